"""Cross-entropy under the softcapped logits of a tied embedding, a few rows at a time, with its gradient at once.

The logits of all rows would take more memory than the rest of a step, and as much time to move as to compute.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional

CHUNK = 512
"""Rows whose logits are held at a time: about as many as a processor's caches hold."""
_NOTHING = -1
"""The target of a row that was added to fill the last chunk."""


def chunk_nats(products: Tensor, targets: Tensor, cap: float, *, gradient: bool) -> tuple[Tensor, Tensor | None]:
    """(Sum of [N] cross-entropies, [N, V] its gradient with respect to the products of hidden states and embedding)."""
    tanh = torch.tanh(products.float() / cap)
    logits = tanh * cap
    total = logits.logsumexp(-1, keepdim=True)
    counted = targets[:, None] != _NOTHING
    of_target = logits.gather(-1, targets[:, None].clamp(min=0))
    nats = ((total - of_target) * counted).sum()
    if not gradient:
        return nats, None
    hit = torch.arange(products.shape[1], device=products.device) == targets[:, None]
    slope = ((logits - total).exp() - hit.float()) * (1 - tanh * tanh) * counted
    return nats, slope.to(products.dtype)


ChunkNats = Callable[..., tuple[Tensor, Tensor | None]]
"""As `chunk_nats`."""


class _SumNats(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 - autograd gives it no type.
        hidden: Tensor,
        embedding: Tensor,
        targets: Tensor,
        cap: float,
        of_chunk: ChunkNats,
    ) -> Tensor:
        weights = embedding.to(hidden.dtype)
        total = embedding.new_zeros(())
        grad_hidden, grad_embedding = torch.empty_like(hidden), torch.zeros_like(embedding)
        parts = zip(*(torch.split(whole, CHUNK) for whole in (hidden, targets, grad_hidden)), strict=True)
        for rows, wanted, into in parts:
            nats, gradient = of_chunk(rows @ weights.T, wanted, cap, gradient=ctx.needs_input_grad[0])
            total += nats
            if gradient is not None:
                torch.mm(gradient, weights, out=into)
                grad_embedding += gradient.T @ rows
        ctx.save_for_backward(grad_hidden, grad_embedding)
        return total

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, Tensor, None, None, None]:  # noqa: ANN401
        (factor,) = grad_outputs
        grad_hidden, grad_embedding = ctx.saved_tensors
        return grad_hidden * factor.to(grad_hidden.dtype), grad_embedding * factor, None, None, None


def mean_nats(
    hidden: Tensor, embedding: Tensor, targets: Tensor, cap: float, of_chunk: ChunkNats = chunk_nats
) -> Tensor:
    """Mean cross-entropy of [N] targets under the logits of [N, H] hidden states, N > 0; products are taken in the
    precision of the hidden states. of_chunk: `chunk_nats`, or what was compiled from it for chunks of one size."""
    padding = -len(targets) % CHUNK
    padded = (
        functional.pad(hidden, (0, 0, 0, padding)),
        embedding,
        functional.pad(targets, (0, padding), value=_NOTHING),
    )
    apply = cast(Callable[..., Tensor], _SumNats.apply)  # pyright: ignore[reportUnknownMemberType] - it is untyped.
    return apply(*padded, cap, of_chunk) / len(targets)
