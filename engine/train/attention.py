"""Attention as plain products, which a compiler fuses with mask and softmax.

PyTorch's fused attention for CPUs takes three times as long in bfloat16, most of it in the backward pass.
"""

from __future__ import annotations

import torch
from torch import Tensor

_BLOCK = 128
"""Queries of a causal sequence that share a slice of keys; those behind it are not computed."""


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    """[B, heads, T, D] of queries, keys and values of that shape, scores unscaled. mask: [B, 1, T, T] bool of the keys
    each query sees, or None where it sees itself and those before."""
    if mask is not None:
        return _masked(query, key, value, mask)
    # [T, T] from the shape alone, so that a graph holds it as a constant pattern.
    places = torch.arange(query.shape[2], device=query.device)
    blocks = [
        _masked(
            query[:, :, start : start + _BLOCK],
            key[:, :, : start + _BLOCK],
            value[:, :, : start + _BLOCK],
            places[start : start + _BLOCK, None] >= places[None, : start + _BLOCK],
        )
        for start in range(0, query.shape[2], _BLOCK)
    ]
    return torch.cat(blocks, dim=2)


def _masked(query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
    return (query @ key.mT).masked_fill(~mask, float("-inf")).softmax(-1) @ value
