"""The kernels between products, in the interpreter, against what they stand for in torch."""

# torch annotates itself in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import gelu, rms_norm

from engine.kv.cache import LayerView
from engine.model.rotary import Turn, turned
from tests.unit.engine.cuda.kernels.tensors import DTYPES, random

pytest.importorskip("triton", reason="Triton is not installed")
from engine.cuda.kernels.pointwise import GATES, added_attention, finished_heads, gated, joined, routed

EPS = 1e-6
# Of values around 1; half precision is rounded once where torch rounds after every operation.
TOLERANCE = {torch.float32: 1e-5, torch.float16: 1e-2, torch.bfloat16: 8e-2}


def norm(values: Tensor, weight: Tensor | None = None) -> Tensor:
    return rms_norm(values, (values.shape[-1],), weight, EPS)


def close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=TOLERANCE[found.dtype], rtol=TOLERANCE[found.dtype])


def turn_of(tokens: int, width: int, dtype: torch.dtype, seed: int) -> Turn:
    """A turn by random angles, a part of a wider one, as kinds of layers share one."""
    angles = random(tokens, 1, width // 2, dtype=torch.float32, seed=seed)
    whole = torch.cat([-angles, angles, torch.zeros(tokens, 1, 8)], dim=-1)
    return whole.cos().to(dtype)[..., :width], whole.sin().to(dtype)[..., :width]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("values_are_keys", [False, True])
def test_heads_are_normalized_turned_and_kept(dtype: torch.dtype, values_are_keys: bool) -> None:
    tokens, heads, shared, width = 5, 4, 2, 16
    products = random(tokens, (heads + (1 if values_are_keys else 2) * shared) * width, dtype=dtype)
    parts = products.split([heads * width, *[shared * width] * (1 if values_are_keys else 2)], dim=1)
    weights = random(width, dtype=dtype, seed=3), random(width, dtype=dtype, seed=4)
    turn, shifts = turn_of(tokens, width, dtype, 5), turn_of(4, width, dtype, 6)
    arena = LayerView(
        random(1, shared, 12, width, dtype=dtype, seed=7), random(1, shared, 12, width, dtype=dtype, seed=8)
    )
    before = arena.keys.clone()
    kept = torch.tensor([7, 3, 11, 0, 9])
    # Two that were there, and two that this pass writes.
    sources = torch.tensor([4, 11, 0, 4])
    query, own, extra = finished_heads(parts, weights, turn, kept, arena, sources, shifts, EPS)

    def split(products: Tensor) -> Tensor:
        return products.unflatten(1, (-1, width))

    close(query[0], turned(norm(split(parts[0]), weights[0]), turn).transpose(0, 1))
    close(own.keys[0], turned(norm(split(parts[1]), weights[1]), turn).transpose(0, 1))
    close(own.values[0], norm(split(parts[-1])).transpose(0, 1))
    assert torch.equal(arena.keys[:, :, kept], own.keys)
    assert torch.equal(arena.values[:, :, kept], own.values)
    assert torch.equal(arena.keys[:, :, 1], before[:, :, 1])
    close(extra[0], turned(arena.keys[0, :, sources].transpose(0, 1), shifts).transpose(0, 1))


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_attention_gave_is_added_and_normalized_for_three(dtype: torch.dtype) -> None:
    size = 44
    stream, attended = random(3, size, dtype=dtype), random(3, size, dtype=dtype, seed=1)
    first, second, third, fourth = (random(size, dtype=dtype, seed=2 + number) for number in range(4))
    whole, dense, experts, router = added_attention(stream, attended, (first, second, third, fourth), EPS)
    expected = stream + norm(attended, first)
    close(whole, expected)
    close(dense, norm(expected, second))
    close(experts, norm(expected, third))
    close(router, norm(expected) * fourth * size**-0.5)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_likeliest_experts_are_chosen_and_of_equals_the_first(dtype: torch.dtype) -> None:
    scores = random(6, 20, dtype=dtype)
    scores[0, 13] = scores[0, 2] = 9.0
    scales = random(20, dtype=dtype, seed=1)
    chosen, weights = routed(scores, scales, 4)
    probs = scores.float().softmax(-1)
    top = probs.topk(4)
    assert chosen[0, :2].tolist() == [2, 13]
    assert torch.equal(chosen[1:], top.indices[1:].int())
    expected = top.values / top.values.sum(-1, keepdim=True) * scales[chosen].float()
    torch.testing.assert_close(weights, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_both_gave_is_added_and_normalized_for_the_next_layer(dtype: torch.dtype) -> None:
    size, top = 44, 4
    stream, dense = (random(3, size, dtype=dtype, seed=number) for number in range(2))
    rows, shares = random(12, size, dtype=dtype, seed=2), random(3, top, dtype=torch.float32, seed=9)
    places = random(12, dtype=torch.float32, seed=2).argsort().int().view(3, top)
    first, second, third, following = (random(size, dtype=dtype, seed=3 + number) for number in range(4))
    scalar = torch.tensor([0.75], dtype=dtype)
    whole, normed = joined(stream, dense, rows, places, shares, (first, second, third), scalar, following, EPS)
    experts = (rows[places].float() * shares[..., None]).sum(1).to(dtype)
    expected = (stream + norm(norm(dense, first) + norm(experts, second), third)) * scalar
    close(whole, expected)
    close(normed, norm(expected, following))


@pytest.mark.parametrize("dtype", DTYPES)
def test_gates(dtype: torch.dtype) -> None:
    gates, ups = (4 * random(3, 2 * (GATES + 8), dtype=dtype)).chunk(2, dim=-1)
    expected = gelu(gates.float(), approximate="tanh") * ups.float()
    torch.testing.assert_close(gated(gates, ups).float(), expected, atol=TOLERANCE[dtype], rtol=TOLERANCE[dtype])
