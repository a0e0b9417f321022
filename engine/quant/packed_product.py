"""Products of rows with weights in groups that are never unpacked, as an operator of torch; for devices with Triton.

Rows [M, K] lie in the order of their entries, such as a layer's experts, and `ends` [E] int32 says where each entry's
end. Without `ends` the weight [N, K] is the one entry of all rows.
"""

# torch annotates itself in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import logging
from functools import cache

import torch
from torch import Tensor

from engine.quant.formats import GROUP, Format, Groups

_log = logging.getLogger(__name__)

_TOLERANCE = 0.02
"""Relative error that a product in bfloat16 may have: several times what rounding costs."""

_operators = torch.library.Library("dgemma", "DEF")
_operators.define("packed_product(Tensor rows, Tensor codes, Tensor scales, Tensor? ends) -> Tensor")


def packed_product(rows: Tensor, codes: Tensor, scales: Tensor, ends: Tensor | None) -> Tensor:
    """Products [M, N]. codes, scales: the parts of a weight that a device `multiplies_packed`."""
    return torch.ops.dgemma.packed_product(rows, codes, scales, ends)


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
            # As many rows as each of the kernel's tiles takes, of one matrix and of several experts.
            errors = [
                *(_error(Groups(8), rows, None, device) for rows in (8, 32, 64)),
                *(_error(Groups(4), 3 * rows, [rows, rows, 3 * rows], device) for rows in (8, 32, 64)),
            ]
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


def _error(form: Groups, count: int, ends: list[int] | None, device: torch.device) -> float:
    """The relative error of a random product against the one with the unpacked weight."""
    generator = torch.Generator().manual_seed(count)
    shape = (len(ends or [count]), 2 * GROUP, 4 * GROUP)
    rows, weight = (
        torch.randn(size, generator=generator).to(device, torch.bfloat16) for size in ((count, shape[2]), shape)
    )
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
    return float((computed.float() - exact).norm() / exact.norm())


def _on_cuda(rows: Tensor, codes: Tensor, scales: Tensor, ends: Tensor | None) -> Tensor:
    # Imported here, because not every torch brings Triton along.
    from engine.quant.kernels import packed_product as run

    return run(rows, codes, scales, ends)


def _shape_of(rows: Tensor, codes: Tensor, scales: Tensor, ends: Tensor | None) -> Tensor:
    return rows.new_empty(len(rows), scales.shape[-2])


_operators.impl("packed_product", _on_cuda, "CUDA")
_operators.impl("packed_product", _shape_of, "Meta")
