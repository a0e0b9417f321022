"""Attention whose memory is bounded, for heads that no fused kernel takes.

The full layers' heads are 512 wide, where torch would expand the keys and values to every query head, in float32, and
hold all scores at once. Here query heads that share keys are one product, a block of queries at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from engine.kv.cache import LayerView

BLOCK = 128
"""Queries whose scores are held at once."""

Extend: TypeAlias = Callable[[int, LayerView, int], LayerView]
"""Makes more of what a layer sees. Takes the layer's number, the keys and values there are, and how many of them, the
last, are the pass's own."""

Attend: TypeAlias = Callable[[int, Tensor, LayerView], Tensor]
"""Attention of one layer. Takes the layer's number, the queries [1, heads, N, D] and the pass's own keys and values;
returns [1, N, heads, D]."""

_WIDEST_FUSED = 256


def grouped_attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scale: float) -> Tensor:
    """softmax(scale · query · keyᵀ + mask) · value.

    query: [1, heads, Q, D]. key, value: [1, shared, K, D], where `shared` divides `heads`. mask: [1, 1, Q, K].
    Returns [1, Q, heads, D].
    """
    _, heads, count, width = query.shape
    outputs = query.new_empty(1, count, heads, width)
    shared = torch.unflatten(query, 1, (key.shape[1], -1))
    for start in range(0, count, BLOCK):
        block = shared[..., start : start + BLOCK, :]
        scores = torch.unflatten(block.flatten(2, 3) @ key.mT, 2, block.shape[2:4]).float().mul_(scale)
        if mask is not None:
            scores += mask[:, :, None, start : start + BLOCK]
        probs = scores.softmax(dim=-1).to(value.dtype)
        mixed = torch.unflatten(probs.flatten(2, 3) @ value, 2, block.shape[2:4])
        outputs[:, start : start + BLOCK] = mixed.flatten(1, 2).transpose(1, 2)
    return outputs


def attention(query: Tensor, seen: LayerView, mask: Tensor | None) -> Tensor:
    """Attention of queries [1, heads, Q, D] over what a layer sees, unscaled: norms have seen to that. mask:
    [1, 1, Q, K], added to the scores; None where every query sees every key. Returns [1, Q, heads, D]."""
    keys, values = seen.keys, seen.values
    if query.device.type == "cpu":
        return functional.scaled_dot_product_attention(query, keys, values, mask, scale=1.0, enable_gqa=True).transpose(
            1, 2
        )
    if query.shape[-1] > _WIDEST_FUSED:
        return grouped_attention(query, keys, values, mask, 1.0)
    # No fused kernel of a GPU takes a mask and heads that share keys.
    shared = query.shape[1] // keys.shape[1]
    keys, values = (each.repeat_interleave(shared, dim=1) for each in (keys, values))
    return functional.scaled_dot_product_attention(query, keys, values, mask, scale=1.0).transpose(1, 2)
