"""Cross-entropy chunk by chunk equals that of all rows at once, in value and gradient."""

# The annotations of torch are incomplete.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from engine.train.cross_entropy import CHUNK, mean_nats

CAP = 5.0


def at_once(hidden: Tensor, embedding: Tensor, targets: Tensor) -> Tensor:
    logits = torch.tanh(hidden @ embedding.T / CAP) * CAP
    return functional.cross_entropy(logits, targets)


def chunk_by_chunk(hidden: Tensor, embedding: Tensor, targets: Tensor) -> Tensor:
    return mean_nats(hidden, embedding, targets, CAP)


@pytest.mark.parametrize("rows", [3, CHUNK, CHUNK + 7])
def test_values_and_gradients(rows: int) -> None:
    torch.manual_seed(rows)
    targets = torch.randint(11, (rows,))
    inputs = [torch.randn(rows, 6), torch.randn(11, 6)]
    results: list[list[Tensor]] = []
    for function in (chunk_by_chunk, at_once):
        hidden, embedding = (tensor.clone().requires_grad_() for tensor in inputs)
        mean = function(hidden, embedding, targets)
        (3 * mean).backward()
        results.append([mean.detach(), *(state.grad for state in (hidden, embedding) if state.grad is not None)])
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected)
