"""The experts' part of a layer, computed expert by expert over tokens sorted by expert, with its own gradient.

The same function as `DiffusionGemmaTextExperts` of transformers. Autograd through indexing and slicing would scatter
into zeroed tensors of full size once per expert, which on a CPU costs more than the products themselves.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


def _gated(gate_up: Tensor) -> Tensor:
    gate, up = gate_up.chunk(2, dim=-1)
    return functional.gelu(gate, approximate="tanh") * up


def _gated_gradient(gate_up: Tensor, grad: Tensor) -> Tensor:
    gate, up = gate_up.chunk(2, dim=-1)
    inner = 0.7978845608028654 * (gate + 0.044715 * gate**3)
    tanh = torch.tanh(inner)
    slope = 0.5 * (1 + tanh) + 0.5 * gate * (1 - tanh**2) * 0.7978845608028654 * (1 + 0.134145 * gate**2)
    return torch.cat((grad * up * slope, grad * 0.5 * gate * (1 + tanh)), dim=-1)


class _SortedExperts(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 - autograd gives it no type.
        hidden: Tensor,
        gate_up: Tensor,
        down: Tensor,
        index: Tensor,
        weights: Tensor,
    ) -> Tensor:
        count, top_k = index.shape
        flat = index.flatten()
        order = torch.argsort(flat, stable=True)
        place = torch.empty_like(order)
        place[order] = torch.arange(len(order), device=order.device)
        token = order // top_k
        sizes: list[int] = torch.bincount(flat, minlength=len(gate_up)).numpy().tolist()
        inputs = hidden[token]
        inner = inputs.new_empty(len(order), gate_up.shape[1])
        outputs = torch.empty_like(inputs)
        for weight, rows, into in zip(gate_up, torch.split(inputs, sizes), torch.split(inner, sizes), strict=True):
            torch.mm(rows, weight.T, out=into)
        active = _gated(inner)
        for weight, rows, into in zip(down, torch.split(active, sizes), torch.split(outputs, sizes), strict=True):
            torch.mm(rows, weight.T, out=into)
        ctx.sizes = sizes
        ctx.save_for_backward(gate_up, down, weights, order, place, token, inputs, inner, active, outputs)
        return (outputs[place].view(count, top_k, -1) * weights[..., None]).sum(1)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, Tensor, Tensor, None, Tensor]:  # noqa: ANN401
        (grad,) = grad_outputs
        gate_up, down, weights, order, place, token, inputs, inner, active, outputs = ctx.saved_tensors
        count, top_k = weights.shape
        sizes = ctx.sizes
        grad_weights = (outputs[place].view(count, top_k, -1) * grad[:, None]).sum(-1)
        grad_rows = grad[token] * weights.flatten()[order][:, None]
        grad_active, grad_inputs = torch.empty_like(active), torch.empty_like(inputs)
        grad_gate_up, grad_down = torch.zeros_like(gate_up), torch.zeros_like(down)
        _product_gradients(grad_rows, active, down, sizes, grad_active, grad_down)
        grad_inner = _gated_gradient(inner, grad_active)
        _product_gradients(grad_inner, inputs, gate_up, sizes, grad_inputs, grad_gate_up)
        return grad_inputs[place].view(count, top_k, -1).sum(1), grad_gate_up, grad_down, None, grad_weights


def _product_gradients(
    grad: Tensor, inputs: Tensor, weights: Tensor, sizes: list[int], grad_inputs: Tensor, grad_weights: Tensor
) -> None:
    """Write the gradients of each expert's product, of its rows [N, in] with its weight [out, in]. grad: of what the
    products gave. sizes: rows of each expert."""
    shares = (torch.split(rows, sizes) for rows in (grad, inputs, grad_inputs))
    for own_grad, rows, into, weight, grad_weight in zip(*shares, weights, grad_weights, strict=True):
        torch.mm(own_grad, weight, out=into)
        torch.mm(own_grad.T, rows, out=grad_weight)


_apply: Any = torch.compiler.disable(_SortedExperts.apply)  # pyright: ignore[reportUnknownMemberType] - they are untyped.
"""The sizes of the experts' shares differ from call to call, which a graph of fixed shapes cannot hold."""


def experts(hidden: Tensor, gate_up: Tensor, down: Tensor, index: Tensor, weights: Tensor) -> Tensor:
    """Weighted sum of the chosen experts' outputs, [N, H].

    hidden: [N, H]. gate_up: [E, 2I, H]. down: [E, H, I]. index: [N, K] int64, the experts of each token.
    weights: [N, K].
    """
    if torch.is_autocast_enabled("cpu"):
        lower = torch.get_autocast_dtype("cpu")
        hidden, gate_up, down, weights = (tensor.to(lower) for tensor in (hidden, gate_up, down, weights))
    return _apply(hidden, gate_up, down, index, weights)
