"""Packing weights slice by slice in the formats of a scheme, with the error that it costs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.checkpoint.files import StoredTensor, read_tensors
from engine.checkpoint.weight import Weight
from engine.errors import CheckpointError, EngineError
from engine.quant.formats import FORMATS, BlockNf4, Format, RowInt8
from engine.quant.packed_product import has_kernel
from engine.quant.scheme import Scheme

_SLICE_WEIGHTS = {"cpu": 2**19, "cuda": 2**24}
"""Weights packed at once: what stays in a CPU's cache, and what keeps a GPU busy. Bounds what packing takes besides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """A weight as it is kept. parts: by name, "" for a weight that is kept whole. error: root mean square of what
    packing changed, over the weight's own; 0 where nothing was packed."""

    name: str
    parts: Mapping[str, Tensor]
    error: float


def formats_of(weights: Iterable[Weight], scheme: Scheme) -> dict[str, Format]:
    """The formats of the weights that are packed, by their names."""
    by_role = FORMATS[scheme]
    return {weight.name: by_role[weight.role] for weight in weights if weight.role in by_role}


def automatic_schemes(device: torch.device) -> tuple[Scheme, ...]:
    """What `auto` tries on a device, best first and smallest last.

    Unquantized weights lose nothing, and a card that holds them is fast. After these a card gets what moves the fewest
    bytes a forward: int4 where nothing has to be unpacked, else nf4, which unpacks in one pass where int4 takes seven.
    A CPU is slow with any, and gets the more exact one.
    """
    if device.type != "cuda":
        return ("none", "int8", "int4")
    return ("none", "int4") if has_kernel(device) else ("none", "nf4", "int4")


def require_backend(scheme: Scheme, device: torch.device) -> None:
    """See that what a scheme needs beside torch works on a device.

    Raises:
        EngineError: it is not installed, or was built without this kind of device.
    """
    form = FORMATS[scheme].get("experts")
    if not isinstance(form, BlockNf4 | RowInt8):
        return
    try:
        sample = torch.ones(1, 1, 64, device=device)
        form.unpack(form.pack(sample), (1, 1, 64), sample.dtype)
    except ImportError as error:
        raise EngineError(
            f"{scheme} needs bitsandbytes ({error}). Install it, or choose the quantization int4."
        ) from error
    except (RuntimeError, NotImplementedError, AttributeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise EngineError(
            f"bitsandbytes does not work on {device.type} here ({reason}). "
            "Install a build of it for this device, or choose the quantization int4."
        ) from error


def quantized(
    stored: Mapping[str, StoredTensor], formats: Mapping[str, Format], device: torch.device
) -> Iterator[Packed]:
    """Read weights one after another and pack them on `device`; at no time is more than one held unpacked, and of that
    one only what the operating system keeps of its file.

    Raises:
        CheckpointError: a shard cannot be read, or holds what is no number.
    """
    for packed in packed_stream(read_tensors(stored), formats, device):
        if not math.isfinite(packed.error):
            shard = stored[packed.name].shard
            raise CheckpointError(f"{shard}: {packed.name} holds values that are not finite. Download it again.")
        yield packed


def packed_stream(
    tensors: Iterable[tuple[str, Tensor]], formats: Mapping[str, Format], device: torch.device
) -> Iterator[Packed]:
    """Pack weights on `device` as they come; those without a format stay as they are."""
    for name, tensor in tensors:
        form = formats.get(name)
        if form is None:
            yield Packed(name=name, parts={"": tensor}, error=0.0)
        else:
            parts, error = pack(tensor, form, device)
            yield Packed(name=name, parts=parts, error=error)


def pack(weight: Tensor, form: Format, device: torch.device) -> tuple[dict[str, Tensor], float]:
    """A weight's parts on `device`, and the relative root mean square error."""
    shape = tuple(weight.shape)
    parts = {
        name: torch.empty(part_shape, dtype=dtype, device=device)
        for name, (part_shape, dtype) in form.parts(shape).items()
    }
    length = max(1, _SLICE_WEIGHTS.get(device.type, _SLICE_WEIGHTS["cpu"]) // math.prod(shape[1:]))
    lost = torch.zeros((), dtype=torch.float64, device=device)
    whole = torch.zeros_like(lost)
    for start in range(0, shape[0], length):
        some = weight[start : start + length].to(device).float()
        packed = form.pack(some)
        for name, part in packed.items():
            parts[name][start : start + length] = part
        lost += (form.unpack(packed, shape, torch.float32) - some).square_().sum(dtype=torch.float64)
        whole += some.square().sum(dtype=torch.float64)
    return parts, 0.0 if whole == 0 else float((lost / whole).sqrt())
