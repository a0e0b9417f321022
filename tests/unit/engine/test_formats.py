"""Formats: parts of the promised shapes, an error within the format's bounds, slices that agree with the whole."""

# torch and bitsandbytes annotate themselves in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math

import pytest
import torch

from engine.errors import EngineError
from engine.quant.formats import BlockNf4, Format, Groups, RowInt8
from engine.quant.quantize import pack

CPU = torch.device("cpu")

# Relative root mean square error of normally distributed weights. For int4 and nf4 the least that any format of their
# size reaches is near; nf4 was made for this distribution.
FORMATS = [
    pytest.param(Groups(4), 0.095, id="int4"),
    pytest.param(Groups(8), 0.0065, id="our int8"),
    pytest.param(BlockNf4(), 0.095, id="nf4"),
    pytest.param(RowInt8(), 0.0095, id="bnb int8"),
]


def weights(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0)) * 0.02


@pytest.mark.parametrize("shape", [(6, 704), (3, 32, 192)])
@pytest.mark.parametrize(("form", "bound"), FORMATS)
def test_what_comes_back_is_close(form: Format, bound: float, shape: tuple[int, ...]) -> None:
    weight = weights(*shape)
    parts, error = pack(weight, form, CPU)
    assert {name: (tuple(part.shape), part.dtype) for name, part in parts.items()} == form.parts(shape)
    back = form.unpack(parts, shape, torch.float32)
    assert float((back - weight).norm() / weight.norm()) == pytest.approx(error, rel=1e-3)
    assert error < bound


@pytest.mark.parametrize(("form", "bound"), FORMATS)
def test_entries_can_be_unpacked_by_themselves(form: Format, bound: float) -> None:
    parts, _ = pack(weights(5, 16, 64), form, CPU)
    whole = form.unpack(parts, (5, 16, 64), torch.bfloat16)
    some = torch.tensor([3, 0])
    few = form.unpack({name: part[some] for name, part in parts.items()}, (5, 16, 64), torch.bfloat16)
    assert torch.equal(few, whole[some])


@pytest.mark.parametrize(("form", "bound"), FORMATS)
def test_zeros_stay_zeros(form: Format, bound: float) -> None:
    parts, error = pack(torch.zeros(2, 8, 64), form, CPU)
    assert error == 0.0
    assert not form.unpack(parts, (2, 8, 64), torch.float32).any()


def test_searched_scales_are_better_than_the_largest_weights() -> None:
    weight = weights(16, 704)
    groups = weight.unflatten(-1, (-1, 64))
    scales = groups.abs().amax(-1, keepdim=True) / 7
    plain = ((groups / scales).round() * scales).flatten(-2)
    _, error = pack(weight, Groups(4), CPU)
    assert error < 0.9 * float((plain - weight).norm() / weight.norm())


def test_an_outlier_costs_its_own_group_only() -> None:
    weight = weights(1, 128)
    parts, _ = pack(weight, Groups(4), CPU)
    outlying = weight.clone()
    outlying[0, 0] = 1.0
    spoilt, _ = pack(outlying, Groups(4), CPU)
    back, spoilt_back = (Groups(4).unpack(each, (1, 128), torch.float32) for each in (parts, spoilt))
    assert torch.equal(back[0, 64:], spoilt_back[0, 64:])
    assert spoilt_back[0, 0] == pytest.approx(1.0, rel=0.01)


@pytest.mark.parametrize(("form", "shape"), [(Groups(4), (4, 12)), (BlockNf4(), (4, 3, 8))])
def test_a_shape_that_does_not_divide_is_an_error(form: Format, shape: tuple[int, ...]) -> None:
    with pytest.raises(EngineError, match="choose the quantization int8 or none"):
        form.parts(shape)


@pytest.mark.parametrize("form", [Groups(4), Groups(8), RowInt8()])
def test_the_real_experts_width_divides(form: Format) -> None:
    shapes = {name: shape for name, (shape, _) in form.parts((128, 2816, 704)).items()}
    assert math.prod(shapes["codes"]) in (128 * 2816 * 704, 128 * 2816 * 352)
