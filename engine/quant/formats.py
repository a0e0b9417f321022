"""How a weight is held: as it is, or packed in few bits. Every format turns a weight into named parts and back.

The first dimension of every part is the weight's own, so a few experts or a few rows of an embedding can be unpacked
by themselves, and a weight that does not fit in memory can be packed slice by slice. Formats know no model.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import torch
from torch import Tensor

from engine.checkpoint.weight import Shape, WeightRole
from engine.errors import EngineError
from engine.quant.scheme import Scheme

Parts: TypeAlias = Mapping[str, Tensor]

GROUP = 64
"""Weights of a row that share a scale. 704, the real experts' width, is divisible by 64 and not by 128."""

_SMALLEST_GROUP = 8


class Format(Protocol):
    """How some weights are held."""

    def parts(self, shape: Shape) -> dict[str, tuple[Shape, torch.dtype]]:
        """What a weight of this shape is stored as.

        Raises:
            EngineError: the format cannot hold such a weight.
        """
        ...

    def pack(self, weight: Tensor) -> dict[str, Tensor]:
        """The parts of a weight, or of some of its first dimension's entries; on the weight's device."""
        ...

    def unpack(self, parts: Parts, shape: Shape, dtype: torch.dtype) -> Tensor:
        """The weight [n, ...] in `dtype`, from parts of n entries. shape: the whole weight's."""
        ...


@dataclass(frozen=True, slots=True)
class Groups:
    """Symmetric integers with a float16 scale for every group of a row's weights. Our own format.

    4 bits: two codes a byte, each 8 more than its value of -8..7: a group's first half of columns in the low bits, its
    second in the high ones, so that what either is multiplied with lies side by side. The scales are
    searched for: of several, each group takes the one that leaves the least squared error.
    8 bits: codes are int8, and the largest weight of a group is 127 scales.
    """

    bits: int

    def parts(self, shape: Shape) -> dict[str, tuple[Shape, torch.dtype]]:
        *leading, columns = shape
        group = math.gcd(GROUP, columns)
        if group < _SMALLEST_GROUP:
            raise EngineError(
                f"rows of {columns} weights cannot be split into groups of {_SMALLEST_GROUP} or more; "
                "choose the quantization int8 or none."
            )
        scales = ((*leading, columns // group), torch.float16)
        if self.bits == 4:
            return {"codes": ((*leading, columns // 2), torch.uint8), "scales": scales}
        return {"codes": ((*leading, columns), torch.int8), "scales": scales}

    def pack(self, weight: Tensor) -> dict[str, Tensor]:
        group = math.gcd(GROUP, weight.shape[-1])
        groups = torch.unflatten(weight.float(), -1, (-1, group))
        if self.bits == 8:
            scales = (groups.abs().amax(-1, keepdim=True) / 127).half()
            codes = _codes(groups, scales, -127, 127).to(torch.int8).flatten(-2)
        else:
            scales = _searched_scales(groups).half()
            first, second = (_codes(groups, scales, -8, 7) + 8).to(torch.uint8).chunk(2, dim=-1)
            codes = (first | second << 4).flatten(-2)
        return {"codes": codes.contiguous(), "scales": scales.squeeze(-1)}

    def unpack(self, parts: Parts, shape: Shape, dtype: torch.dtype) -> Tensor:
        codes, scales = parts["codes"], parts["scales"]
        if self.bits == 4:
            packed = torch.unflatten(codes, -1, (scales.shape[-1], -1))
            values = torch.cat((packed & 15, packed >> 4), dim=-1).flatten(-2).to(dtype).sub_(8)
        else:
            values = codes.to(dtype)
        groups = torch.unflatten(values, -1, (scales.shape[-1], -1))
        return groups.mul_(scales.to(dtype)[..., None]).flatten(-2)


_SEARCH = (-8.8, -8.4, -8.0, -7.6, -7.2, -6.8, -6.2, 7.0, 7.6)
"""Where a group's largest weight may come to lie, in scales. Beyond -8 and 7 it is clipped, which can be worth a finer
step for all the others."""


def _searched_scales(groups: Tensor) -> Tensor:
    """For groups [..., G, g] float32 the scales [..., G, 1] that leave the least squared error of those tried.

    For given codes q the best scale is <w, q> / <q, q>, and what is left of the squared error falls with
    <w, q>² / <q, q>.
    """
    peak = groups.gather(-1, groups.abs().argmax(-1, keepdim=True))
    best = torch.zeros_like(peak)
    best_gain = torch.zeros_like(peak)
    for place in _SEARCH:
        codes = _codes(groups, peak / place, -8, 7)
        product = (groups * codes).sum(-1, keepdim=True)
        square = codes.square_().sum(-1, keepdim=True).clamp_(min=1)
        gain = product.square() / square
        better = gain > best_gain
        best = torch.where(better, product / square, best)
        best_gain = torch.where(better, gain, best_gain)
    return best


def _codes(groups: Tensor, scales: Tensor, low: int, high: int) -> Tensor:
    """The nearest codes, as floats. A group of zeros has scale 0 and codes 0."""
    scales = scales.float()
    reciprocal = torch.where(scales == 0, 0, 1 / scales)
    return (groups * reciprocal).round_().clamp_(low, high)


def packed_bytes(form: Format, shape: Shape) -> int:
    """What a weight of this shape takes in a format."""
    return sum(math.prod(part_shape) * dtype.itemsize for part_shape, dtype in form.parts(shape).values())


def _bitsandbytes() -> Any:  # noqa: ANN401 - torch gives its operators no types.
    """bitsandbytes' operators, which its import registers with torch for every device that it was built for."""
    importlib.import_module("bitsandbytes")
    return torch.ops.bitsandbytes


@dataclass(frozen=True, slots=True)
class BlockNf4:
    """bitsandbytes' NF4: quantiles of a normal distribution, with a float32 scale for every 64 weights."""

    def parts(self, shape: Shape) -> dict[str, tuple[Shape, torch.dtype]]:
        each = math.prod(shape[1:])
        if each % GROUP:
            raise EngineError(f"nf4 needs {GROUP} weights at a time, not {each}; choose the quantization int8 or none.")
        return {
            "codes": ((shape[0], each // 2), torch.uint8),
            "scales": ((shape[0], each // GROUP), torch.float32),
        }

    def pack(self, weight: Tensor) -> dict[str, Tensor]:
        codes, scales = _bitsandbytes().quantize_4bit(weight.contiguous(), GROUP, "nf4", torch.uint8)
        return {"codes": codes.view(len(weight), -1), "scales": scales.view(len(weight), -1)}

    def unpack(self, parts: Parts, shape: Shape, dtype: torch.dtype) -> Tensor:
        codes, scales = parts["codes"].reshape(-1, 1), parts["scales"].reshape(-1)
        some = [len(parts["codes"]), *shape[1:]]
        return _bitsandbytes().dequantize_4bit(codes, scales, GROUP, "nf4", some, dtype)


@dataclass(frozen=True, slots=True)
class RowInt8:
    """bitsandbytes' int8: a code of 127 is the largest weight of its row, which is the row's float32 scale."""

    def parts(self, shape: Shape) -> dict[str, tuple[Shape, torch.dtype]]:
        return {"codes": (shape, torch.int8), "scales": (shape[:-1], torch.float32)}

    def pack(self, weight: Tensor) -> dict[str, Tensor]:
        codes, scales, _ = _bitsandbytes().int8_vectorwise_quant(weight.half().flatten(0, -2), 0.0)
        return {"codes": codes.view(weight.shape), "scales": scales.view(weight.shape[:-1])}

    def unpack(self, parts: Parts, shape: Shape, dtype: torch.dtype) -> Tensor:
        # bitsandbytes' own operator makes two float32 copies of the weight first.
        return parts["codes"].to(dtype).mul_((parts["scales"] / 127).to(dtype)[..., None])


FORMATS: Mapping[Scheme, Mapping[WeightRole, Format]] = {
    "none": {},
    "int8": {"experts": RowInt8(), "matrix": RowInt8()},
    "nf4": {"experts": BlockNf4(), "matrix": RowInt8()},
    "int4": {"experts": Groups(4), "matrix": Groups(8)},
}
"""Which format each weight gets under a scheme. Experts, nine tenths of the weights, carry the savings. What every
token passes through stays at 8 bits, because its error costs denoising steps; routers, norms and scalars stay as they
are."""
