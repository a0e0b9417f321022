"""Products of rows with weights in groups that are never unpacked, as operators of torch; for devices with Triton.

Rows [M, K] lie in the order of their entries, such as a layer's experts, and `ends` [E] int32 says where each entry's
end. Without `ends` the weight [N, K] is the one entry of all rows. A mixture goes the other way: rows [M, N] of shares
in the weight's N lines.
"""

# torch annotates itself in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import cache

import torch
from torch import Tensor

from engine.quant.formats import GROUP, Format, Groups

_log = logging.getLogger(__name__)

_TOLERANCE = 0.02
"""Relative error that a product in bfloat16 may have: several times what rounding costs."""

_operators = torch.library.Library("dgemma", "DEF")
_operators.define("packed_product(Tensor rows, Tensor codes, Tensor scales, Tensor? ends) -> Tensor")
_operators.define("packed_mixture(Tensor rows, Tensor codes, Tensor scales) -> Tensor")


def packed_product(rows: Tensor, codes: Tensor, scales: Tensor, ends: Tensor | None) -> Tensor:
    """Products [M, N]. codes, scales: the parts of a weight that a device `multiplies_packed`."""
    return torch.ops.dgemma.packed_product(rows, codes, scales, ends)


def packed_mixture(rows: Tensor, codes: Tensor, scales: Tensor) -> Tensor:
    """Mixtures [M, K] float32 of a weight's lines. codes, scales: its parts, of 8 bits, where a device
    `multiplies_packed`."""
    return torch.ops.dgemma.packed_mixture(rows, codes, scales)


def multiplies_packed(form: Format, inputs: int, device: torch.device) -> bool:
    """Whether a device multiplies with weights of a format and so many inputs where they lie."""
    return isinstance(form, Groups) and inputs % GROUP == 0 and has_kernel(device)


def has_kernel(device: torch.device) -> bool:
    """Whether a device has the kernel."""
    return kernel_fault(device) is None


@cache
def kernel_fault(device: torch.device) -> str | None:
    """Why a device does not have the kernel; None where Triton works on it and the products are right. The first call
    compiles what any forward needs, and warns: everything works without, but slowly.

    Raises:
        torch.OutOfMemoryError: another program has all of the device's memory, for now.
    """
    if device.type != "cuda":
        return "there is no card"
    try:
        # Triton takes the current card, wherever its tensors lie.
        with torch.cuda.device(device):
            errors = list(_errors(device))
    except torch.OutOfMemoryError:
        raise
    except ModuleNotFoundError:
        fault = "Triton is not installed"
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        fault = f"Triton, which needs a C compiler and Python's headers, does not work here ({reason})"
    else:
        # An error that is no number is within no tolerance.
        wrong = [error for error in errors if not error <= _TOLERANCE]
        fault = f"its product by Triton errs by {wrong[0]:.3f}" if wrong else None
    if fault:
        _log.warning("Weights are unpacked for every product, which is slow: %s.", fault)
    return fault


def _errors(device: torch.device) -> Iterator[float]:
    """Relative errors of what the kernels compute, for as many rows as each of their tiles takes."""
    for rows in (8, 32, 64):
        yield _error(Groups(8), rows, None, device)
        yield _error(Groups(4), 3 * rows, [rows, rows, 3 * rows], device)
        yield _mixture_error(rows, device)


def _error(form: Groups, count: int, ends: list[int] | None, device: torch.device) -> float:
    """The relative error of a random product against the one with the unpacked weight."""
    shape = (len(ends or [count]), 2 * GROUP, 4 * GROUP)
    rows, weight = _random(device, (count, shape[2]), shape)
    parts = form.pack(weight)
    dense = form.unpack(parts, shape, torch.float32)
    limits = ends or [count]
    exact = torch.cat(
        [rows[begin:end].float() @ entry.T for begin, end, entry in zip([0, *limits], limits, dense, strict=False)]
    )
    if ends is None:
        computed = packed_product(rows, parts["codes"][0], parts["scales"][0], None)
    else:
        offsets = torch.tensor(ends, dtype=torch.int32, device=device)
        computed = packed_product(rows, parts["codes"], parts["scales"], offsets)
    return _relative(computed, exact)


def _mixture_error(count: int, device: torch.device) -> float:
    """The relative error of a random mixture against the one of the unpacked weight."""
    shape = (40 * GROUP, 2 * GROUP)
    rows, weight = _random(device, (count, shape[0]), shape)
    parts = Groups(8).pack(weight)
    exact = rows.float() @ Groups(8).unpack(parts, shape, torch.float32)
    return _relative(packed_mixture(rows, parts["codes"], parts["scales"]), exact)


def _random(device: torch.device, *shapes: tuple[int, ...]) -> list[Tensor]:
    """The same tensors each time."""
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=generator).to(device, torch.bfloat16) for shape in shapes]


def _relative(computed: Tensor, exact: Tensor) -> float:
    return float((computed.float() - exact).norm() / exact.norm())


def _product_on_cuda(rows: Tensor, codes: Tensor, scales: Tensor, ends: Tensor | None) -> Tensor:
    # Imported here, because not every torch brings Triton along.
    from engine.quant.kernels import packed_product as run

    return run(rows, codes, scales, ends)


def _product_shape(rows: Tensor, codes: Tensor, scales: Tensor, ends: Tensor | None) -> Tensor:
    return rows.new_empty(len(rows), scales.shape[-2])


def _mixture_on_cuda(rows: Tensor, codes: Tensor, scales: Tensor) -> Tensor:
    from engine.quant.kernels import packed_mixture as run

    return run(rows, codes, scales)


def _mixture_shape(rows: Tensor, codes: Tensor, scales: Tensor) -> Tensor:
    return rows.new_empty(len(rows), codes.shape[-1], dtype=torch.float32)


_operators.impl("packed_product", _product_on_cuda, "CUDA")
_operators.impl("packed_product", _product_shape, "Meta")
_operators.impl("packed_mixture", _mixture_on_cuda, "CUDA")
_operators.impl("packed_mixture", _mixture_shape, "Meta")
