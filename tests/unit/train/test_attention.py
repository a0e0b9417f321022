"""Plain attention equals PyTorch's own, in value and gradient."""

# The annotations of torch are incomplete.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from engine.train.attention import attend


@pytest.mark.parametrize("length", [5, 128, 300])  # Less than a block, one, and not a multiple of it.
@pytest.mark.parametrize("causal", [True, False])
def test_values_and_gradients(length: int, causal: bool) -> None:
    torch.manual_seed(length)
    mask = None if causal else (torch.rand(2, 1, length, length) < 0.5) | torch.eye(length, dtype=torch.bool)
    inputs = [torch.randn(2, 3, length, 8, dtype=torch.float64) for _ in range(3)]
    results: list[list[torch.Tensor]] = []
    for own in (True, False):
        query, key, value = (tensor.clone().requires_grad_() for tensor in inputs)
        if own:
            out = attend(query, key, value, mask)
        else:
            out = scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=causal, scale=1.0)
        out.square().sum().backward()
        results.append([out.detach(), *(state.grad for state in (query, key, value) if state.grad is not None)])
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected)
