"""Bounded attention is attention."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from engine.model.attention import BLOCK, grouped_attention


@pytest.mark.parametrize("queries", [1, BLOCK, BLOCK + 3])
@pytest.mark.parametrize("masked", [False, True])
def test_it_is_what_torch_computes_with_expanded_heads(queries: int, masked: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    query = torch.randn(1, 4, queries, 16, generator=generator)
    key, value = torch.randn(2, 1, 2, queries + 5, 16, generator=generator)
    hidden = torch.rand(queries, queries + 5, generator=generator) < 0.3
    mask = torch.zeros(1, 1, *hidden.shape).masked_fill(hidden, -torch.inf) if masked else None
    expected = functional.scaled_dot_product_attention(query, key, value, mask, scale=0.5, enable_gqa=True)
    torch.testing.assert_close(grouped_attention(query, key, value, mask, 0.5), expected.transpose(1, 2))
