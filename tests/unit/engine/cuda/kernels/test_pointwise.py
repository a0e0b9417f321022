"""The kernels between products, in the interpreter, against what they stand for in torch."""

# torch annotates itself in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import rms_norm
from transformers.models.diffusion_gemma.modeling_diffusion_gemma import apply_rotary_pos_emb

from engine.kv.cache import LayerView

pytest.importorskip("triton", reason="Triton is not installed")
from engine.cuda.kernels.pointwise import added_attention, finished_heads, joined, routed, turned_extra

EPS = 1e-6
DTYPES = [torch.float32, torch.float16]
# Of values around 1; half precision is rounded once where torch rounds after every operation.
TOLERANCE = {torch.float32: 1e-5, torch.float16: 1e-2}


def random(*shape: int, dtype: torch.dtype, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def norm(values: Tensor, weight: Tensor | None = None) -> Tensor:
    return rms_norm(values, (values.shape[-1],), weight, EPS)


def close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=TOLERANCE[found.dtype], rtol=TOLERANCE[found.dtype])


@pytest.mark.parametrize("dtype", DTYPES)
def test_heads_are_normalized_turned_and_kept(dtype: torch.dtype) -> None:
    tokens, heads, shared, width = 5, 4, 2, 16
    queries, keys, values = (
        random(tokens, count * width, dtype=dtype, seed=seed) for seed, count in enumerate((heads, shared, shared))
    )
    weights = random(width, dtype=dtype, seed=3), random(width, dtype=dtype, seed=4)
    rotation = random(1, tokens, width, dtype=dtype, seed=5), random(1, tokens, width, dtype=dtype, seed=6)
    arena = LayerView(torch.zeros(1, shared, 12, width, dtype=dtype), torch.zeros(1, shared, 12, width, dtype=dtype))
    kept = torch.tensor([7, 3, 11, 0, 9])
    query, own = finished_heads(queries, keys, values, weights, rotation, kept, arena, EPS)

    def split(products: Tensor) -> Tensor:
        return products.view(1, tokens, -1, width)

    close(query, apply_rotary_pos_emb(norm(split(queries), weights[0]), *rotation, unsqueeze_dim=2).transpose(1, 2))
    close(own.keys, apply_rotary_pos_emb(norm(split(keys), weights[1]), *rotation, unsqueeze_dim=2).transpose(1, 2))
    close(own.values, norm(split(values)).transpose(1, 2))
    assert torch.equal(arena.keys[:, :, kept], own.keys)
    assert torch.equal(arena.values[:, :, kept], own.values)
    assert not arena.keys[:, :, 1].any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_extra_keys_are_turned(dtype: torch.dtype) -> None:
    arena = LayerView(random(1, 2, 12, 16, dtype=dtype), random(1, 2, 12, 16, dtype=dtype, seed=1))
    sources = torch.tensor([4, 4, 0, 11])
    rotation = random(1, 4, 16, dtype=dtype, seed=2), random(1, 4, 16, dtype=dtype, seed=3)
    extra = turned_extra(arena, sources, rotation)
    close(extra.keys, apply_rotary_pos_emb(arena.keys[:, :, sources], *rotation))
    assert torch.equal(extra.values, arena.values[:, :, sources])


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
    assert torch.equal(chosen[1:], top.indices[1:])
    expected = top.values / top.values.sum(-1, keepdim=True) * scales[chosen].float()
    torch.testing.assert_close(weights, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_both_gave_is_added_and_normalized_for_the_next_layer(dtype: torch.dtype) -> None:
    size = 44
    stream, dense, experts = (random(3, size, dtype=dtype, seed=number) for number in range(3))
    first, second, third, following = (random(size, dtype=dtype, seed=3 + number) for number in range(4))
    scalar = torch.tensor([0.75], dtype=dtype)
    whole, normed = joined(stream, dense, experts, (first, second, third), scalar, following, EPS)
    expected = (stream + norm(norm(dense, first) + norm(experts, second), third)) * scalar
    close(whole, expected)
    close(normed, norm(expected, following))
