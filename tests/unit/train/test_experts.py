"""Sorted experts equal the plain sum over the chosen experts, in value and gradient."""

# The annotations of torch are incomplete.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from engine.train.experts import experts


def plainly(hidden: Tensor, gate_up: Tensor, down: Tensor, index: Tensor, weights: Tensor) -> Tensor:
    rows: list[Tensor] = []
    for token, state in enumerate(hidden):
        total = torch.zeros_like(state)
        for expert, weight in zip(index[token].tolist(), weights[token], strict=True):
            gate, up = (gate_up[expert] @ state).chunk(2)
            total = total + weight * (down[expert] @ (functional.gelu(gate, approximate="tanh") * up))
        rows.append(total)
    return torch.stack(rows)


def test_values_and_gradients() -> None:
    torch.manual_seed(0)
    index = torch.rand(11, 5).topk(2, dim=-1).indices
    index[index == 3] = 0  # One expert is used by nobody, another twice by some tokens.
    inputs = [torch.randn(shape, dtype=torch.float64) for shape in ((11, 6), (5, 8, 6), (5, 6, 4), (11, 2))]
    results: list[list[Tensor]] = []
    for function in (plainly, experts):
        hidden, gate_up, down, weights = (tensor.clone().requires_grad_() for tensor in inputs)
        out = function(hidden, gate_up, down, index, weights)
        out.square().sum().backward()
        gradients = [tensor.grad for tensor in (hidden, gate_up, down, weights)]
        results.append([out.detach(), *(gradient for gradient in gradients if gradient is not None)])
    for expected, found in zip(*results, strict=True):
        torch.testing.assert_close(found, expected)
