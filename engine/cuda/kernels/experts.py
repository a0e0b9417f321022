"""A layer's gated products: the dense layer's, and its experts'."""

# Triton may be missing, annotates nothing, and its language has only the looks of Python.
# pyright: basic, reportMissingImports=false, reportArgumentType=false, reportCallIssue=false
# pyright: reportGeneralTypeIssues=false, reportIndexIssue=false

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from engine.model.experts import Experts, multiplied

BLOCK = 1024
"""Columns of a program of these kernels."""


@triton.jit
def gate(gates, ups, out, width, stride, BLOCK: tl.constexpr):
    """gelu(gates) · ups of a row, by the approximation with tanh."""
    row = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    there = column < width
    own = tl.load(gates + row * stride + column, mask=there, other=0.0).to(tl.float32)
    # (1 + tanh(z)) / 2 is the logistic function of 2 z.
    inner = 1.5957691216057308 * (own + 0.044715 * own * own * own)
    gated = own / (1.0 + tl.exp(-inner))
    # Rounded as torch rounds what the activation returns.
    gated = gated.to(out.dtype.element_ty).to(tl.float32)
    gated *= tl.load(ups + row * stride + column, mask=there, other=0.0).to(tl.float32)
    tl.store(out + row * width + column, gated.to(out.dtype.element_ty), mask=there)


@triton.jit
def combine(products, places, weights, out, width, TOP: tl.constexpr, BLOCK: tl.constexpr):
    """The weighted sum of what a token's TOP experts gave, which lies at `places`."""
    token = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    there = column < width
    total = tl.zeros((BLOCK,), tl.float32)
    for number in range(TOP):
        place = tl.load(places + token * TOP + number)
        given = tl.load(products + place * width + column, mask=there, other=0.0).to(tl.float32)
        total += given * tl.load(weights + token * TOP + number)
    tl.store(out + token * width + column, total.to(out.dtype.element_ty), mask=there)


def gated(gates: Tensor, ups: Tensor) -> Tensor:
    """gelu(gates) · ups, [M, I], of tensors with the same stride."""
    rows, width = gates.shape
    out = gates.new_empty(rows, width)
    gate[(rows, triton.cdiv(width, BLOCK))](gates, ups, out, width, gates.stride(0), BLOCK=BLOCK)
    return out


def combined(products: Tensor, places: Tensor, weights: Tensor) -> Tensor:
    """Sums [N, H] of products [N · K, H] at places [N · K], weighted by [N, K]."""
    tokens, top = weights.shape
    width = products.shape[1]
    out = products.new_empty(tokens, width)
    combine[(tokens, triton.cdiv(width, BLOCK))](products, places, weights, out, width, TOP=top, BLOCK=BLOCK)
    return out


def mixed(experts: Experts, hidden: Tensor, chosen: Tensor, weights: Tensor) -> Tensor:
    """What `experts` return for hidden states [N, H] and chosen experts [N, K]."""
    tokens, top = chosen.shape
    ordered, order = chosen.flatten().sort(stable=True)
    count = experts.gate_up_proj.shape[0]
    numbers = torch.arange(max(tokens * top, count), device=chosen.device)
    ends = torch.searchsorted(ordered, numbers[:count], right=True, out_int32=True)
    both = multiplied(experts.gate_up_proj, hidden[order // top], ends)
    products = multiplied(experts.down_proj, gated(*both.chunk(2, dim=-1)), ends)
    return combined(products, torch.empty_like(order).index_copy_(0, order, numbers[: tokens * top]), weights)
