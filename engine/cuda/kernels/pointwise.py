"""What stands between a layer's products, each chain of it in one kernel: norms, rotations, residuals, routing, gates.

Sums are float32 whatever the tensors are. A program has a token, or one head of it, in registers from its first load to
its last store.
"""

# Triton may be missing, annotates nothing, and its language has only the looks of Python.
# pyright: basic, reportMissingImports=false, reportArgumentType=false, reportCallIssue=false
# pyright: reportGeneralTypeIssues=false, reportIndexIssue=false

from __future__ import annotations

from collections.abc import Sequence

import torch
import triton
import triton.language as tl
from torch import Tensor

from engine.kv.cache import LayerView
from engine.model.rotary import Turn

_NO_EXPERT = tl.constexpr(2**31 - 1)


@triton.jit
def _scale(values, size, eps):
    """What makes the root mean square of `size` values 1."""
    return tl.rsqrt(tl.sum(values * values, 0) / size + eps)


@triton.jit
def _normalized(at, weight, column, eps, D: tl.constexpr):
    """A head [D], normalized and weighted, and the same with its halves exchanged."""
    other = (column + D // 2) % D
    values = tl.load(at + column).to(tl.float32)
    scale = _scale(values, D, eps)
    values *= scale * tl.load(weight + column).to(tl.float32)
    return values, tl.load(at + other).to(tl.float32) * scale * tl.load(weight + other).to(tl.float32)


@triton.jit
def _turned(values, partners, cosines, sines, column):
    """A head and its exchanged halves, both turned. cosines, sines: where those of its token lie."""
    cosine = tl.load(cosines + column).to(tl.float32)
    sine = tl.load(sines + column).to(tl.float32)
    # Both halves are turned by the same angles, in opposite order.
    return values * cosine + partners * sine, partners * cosine - values * sine


@triton.jit
def finish_heads(
    queries, keys, values, query_stride, key_stride, value_stride, query_weight, key_weight, cosines, sines, kept,
    sources, extra_cosines, extra_sines,
    query_out, key_out, value_out, extra_out, context_keys, context_values, context_head, turn_stride, tokens, extra,
    eps, HEADS: tl.constexpr, SHARED: tl.constexpr, D: tl.constexpr, SEARCHED: tl.constexpr,
):  # fmt: skip
    """One head of a token: of its query, or of its key or value, which are also written to where they are kept. Behind
    all tokens one head of an extra key, turned on by its shift: from the arena, or from this pass's own products where
    these are what will lie there."""
    PARTS: tl.constexpr = HEADS + 2 * SHARED
    program = tl.program_id(0)
    column = tl.arange(0, D)
    if program < tokens * PARTS:
        token, part = (program // PARTS).to(tl.int64), program % PARTS
        if part < HEADS:
            head, others = _normalized(queries + token * query_stride + part * D, query_weight, column, eps, D)
            head, others = _turned(head, others, cosines + token * turn_stride, sines + token * turn_stride, column)
            tl.store(query_out + (token * HEADS + part) * D + column, head.to(query_out.dtype.element_ty))
        elif part < HEADS + SHARED:
            number = part - HEADS
            head, others = _normalized(keys + token * key_stride + number * D, key_weight, column, eps, D)
            head, others = _turned(head, others, cosines + token * turn_stride, sines + token * turn_stride, column)
            own = head.to(key_out.dtype.element_ty)
            tl.store(key_out + (number * tokens + token) * D + column, own)
            tl.store(context_keys + number * context_head + tl.load(kept + token) * D + column, own)
        else:
            number = part - HEADS - SHARED
            head = tl.load(values + token * value_stride + number * D + column).to(tl.float32)
            own = (head * _scale(head, D, eps)).to(value_out.dtype.element_ty)
            tl.store(value_out + (number * tokens + token) * D + column, own)
            tl.store(context_values + number * context_head + tl.load(kept + token) * D + column, own)
    else:
        key, number = ((program - tokens * PARTS) // SHARED).to(tl.int64), (program - tokens * PARTS) % SHARED
        source = tl.load(sources + key)
        token = tl.full((), -1, tl.int64)
        for begin in range(0, tokens, SEARCHED):
            own = begin + tl.arange(0, SEARCHED)
            found = tl.load(kept + own, mask=own < tokens, other=-1) == source
            token = tl.maximum(token, tl.max(tl.where(found, own, -1), 0))
        if token >= 0:
            head, others = _normalized(keys + token * key_stride + number * D, key_weight, column, eps, D)
            head, others = _turned(head, others, cosines + token * turn_stride, sines + token * turn_stride, column)
        else:
            at = number * context_head + source * D
            head = tl.load(context_keys + at + column).to(tl.float32)
            others = tl.load(context_keys + at + (column + D // 2) % D).to(tl.float32)
        head, others = _turned(head, others, extra_cosines + key * turn_stride, extra_sines + key * turn_stride, column)
        tl.store(extra_out + (number * extra + key) * D + column, head.to(extra_out.dtype.element_ty))


@triton.jit
def after_attention(
    stream, attended, attended_weight, dense_weight, experts_weight, router_weight,
    stream_out, dense_out, experts_out, router_out, size, root, eps,
    BLOCK: tl.constexpr,
):  # fmt: skip
    """Adds what attention gave to a token's stream, and normalizes that for the three that read it next."""
    row = tl.program_id(0).to(tl.int64) * size
    column = tl.arange(0, BLOCK)
    there = column < size
    kind = stream_out.dtype.element_ty
    given = tl.load(attended + row + column, mask=there, other=0.0).to(tl.float32)
    given *= _scale(given, size, eps) * tl.load(attended_weight + column, mask=there, other=0.0).to(tl.float32)
    whole = (tl.load(stream + row + column, mask=there, other=0.0).to(tl.float32) + given).to(kind)
    tl.store(stream_out + row + column, whole, mask=there)
    whole = whole.to(tl.float32)
    whole *= _scale(whole, size, eps)
    dense = whole * tl.load(dense_weight + column, mask=there, other=0.0).to(tl.float32)
    tl.store(dense_out + row + column, dense.to(kind), mask=there)
    experts = whole * tl.load(experts_weight + column, mask=there, other=0.0).to(tl.float32)
    tl.store(experts_out + row + column, experts.to(kind), mask=there)
    router = whole * root * tl.load(router_weight + column, mask=there, other=0.0).to(tl.float32)
    tl.store(router_out + row + column, router.to(kind), mask=there)


@triton.jit
def route(scores, scales, chosen_out, weight_out, size, TOP: tl.constexpr, BLOCK: tl.constexpr):
    """A token's TOP likeliest experts, best first, and their weights, which sum up to 1 before the experts' scales."""
    token = tl.program_id(0).to(tl.int64)
    expert, place = tl.arange(0, BLOCK), tl.arange(0, TOP)
    there = expert < size
    own = tl.load(scores + token * size + expert, mask=there, other=-float("inf")).to(tl.float32)
    left = tl.where(there, tl.exp(own - tl.max(own, 0)), -1.0)
    chosen = tl.zeros((TOP,), tl.int32)
    weights = tl.zeros((TOP,), tl.float32)
    for number in range(TOP):
        best = tl.max(left, 0)
        found = tl.min(tl.where(left == best, expert, _NO_EXPERT), 0)
        chosen = tl.where(place == number, found, chosen)
        weights = tl.where(place == number, best, weights)
        left = tl.where(expert == found, -1.0, left)
    weights = weights / tl.sum(weights, 0) * tl.load(scales + chosen).to(tl.float32)
    tl.store(chosen_out + token * TOP + place, chosen)
    tl.store(weight_out + token * TOP + place, weights)


@triton.jit
def join(
    stream, dense, experts, places, shares, dense_weight, experts_weight, joined_weight, scalar, next_weight,
    stream_out, next_out, size, eps,
    TOP: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Adds what the dense layer and a token's TOP experts gave, each its share, to the token's stream, and normalizes
    that for the next layer."""
    token = tl.program_id(0).to(tl.int64)
    row = token * size
    column = tl.arange(0, BLOCK)
    there = column < size
    kind = stream_out.dtype.element_ty
    given = tl.load(dense + row + column, mask=there, other=0.0).to(tl.float32)
    given *= _scale(given, size, eps) * tl.load(dense_weight + column, mask=there, other=0.0).to(tl.float32)
    more = tl.zeros((BLOCK,), tl.float32)
    for number in tl.static_range(TOP):
        at = experts + tl.load(places + token * TOP + number).to(tl.int64) * size
        share = tl.load(shares + token * TOP + number)
        more += tl.load(at + column, mask=there, other=0.0).to(tl.float32) * share
    more *= _scale(more, size, eps) * tl.load(experts_weight + column, mask=there, other=0.0).to(tl.float32)
    given += more
    given *= _scale(given, size, eps) * tl.load(joined_weight + column, mask=there, other=0.0).to(tl.float32)
    whole = tl.load(stream + row + column, mask=there, other=0.0).to(tl.float32) + given
    whole = (whole * tl.load(scalar).to(tl.float32)).to(kind)
    tl.store(stream_out + row + column, whole, mask=there)
    whole = whole.to(tl.float32)
    whole *= _scale(whole, size, eps) * tl.load(next_weight + column, mask=there, other=0.0).to(tl.float32)
    tl.store(next_out + row + column, whole.to(kind), mask=there)


@triton.jit
def gate_value(values):
    """gelu, by the approximation with tanh."""
    # (1 + tanh(z)) / 2 is the logistic function of 2 z.
    return values / (1.0 + tl.exp(-1.5957691216057308 * (values + 0.044715 * values * values * values)))


@triton.jit
def gate(gates, ups, out, width, stride, BLOCK: tl.constexpr):
    """gelu(gates) · ups of a row."""
    row = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    there = column < width
    gated = gate_value(tl.load(gates + row * stride + column, mask=there, other=0.0).to(tl.float32))
    gated *= tl.load(ups + row * stride + column, mask=there, other=0.0).to(tl.float32)
    tl.store(out + row * width + column, gated.to(out.dtype.element_ty), mask=there)


WARPS = 8
"""Of a program that has a whole token."""

SEARCHED = 128
"""Tokens among which a program looks for one at a time."""

GATES = 1024
"""Columns of a program of gates."""


def finished_heads(
    products: Sequence[Tensor], weights: tuple[Tensor, Tensor], turn: Turn, kept: Tensor, context: LayerView,
    sources: Tensor, shifts: Turn, eps: float,
) -> tuple[Tensor, LayerView, Tensor]:  # fmt: skip
    """Queries [1, heads, N, D], the pass's own keys and values [1, shared, N, D], which are also written to the arena,
    and the keys that lie at `sources` [M] of it thereafter, turned by their shifts, [1, shared, M, D].

    products: of queries, keys and, where they differ, values, [N, heads · D] and [N, shared · D]. weights: of the
    queries' norm and the keys'.
    """
    queries, keys, values = products[0], products[1], products[-1]
    tokens, extra = len(queries), len(sources)
    shared, width = context.keys.shape[1], context.keys.shape[3]
    heads = queries.shape[1] // width
    out = queries.new_empty(1, tokens, heads, width)
    own = LayerView(keys.new_empty(1, shared, tokens, width), keys.new_empty(1, shared, tokens, width))
    turned = keys.new_empty(1, shared, extra, width)
    finish_heads[(tokens * (heads + 2 * shared) + extra * shared,)](
        queries, keys, values, queries.stride(0), keys.stride(0), values.stride(0), *weights, *turn, kept,
        sources, *shifts, out, own.keys, own.values, turned, context.keys, context.values, context.keys.stride(1),
        turn[0].stride(0), tokens, extra, eps, HEADS=heads, SHARED=shared, D=width, SEARCHED=SEARCHED,
    )  # fmt: skip
    return out.transpose(1, 2), own, turned


def added_attention(
    stream: Tensor, attended: Tensor, weights: tuple[Tensor, Tensor, Tensor, Tensor], eps: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The stream [N, H] with what attention gave, and the same normalized for the dense layer, the experts and the
    router. weights: of attention's own norm, then of these three."""
    size = stream.shape[1]
    outs = tuple(torch.empty_like(stream) for _ in range(4))
    after_attention[(len(stream),)](
        stream, attended, *weights, *outs, size, size**-0.5, eps,
        BLOCK=triton.next_power_of_2(size), num_warps=WARPS,
    )  # fmt: skip
    return outs[0], outs[1], outs[2], outs[3]


def routed(scores: Tensor, scales: Tensor, top: int) -> tuple[Tensor, Tensor]:
    """The experts [N, top] int32 of scores [N, E], and their weights [N, top] float32."""
    tokens, size = scores.shape
    chosen = torch.empty(tokens, top, dtype=torch.int32, device=scores.device)
    weights = torch.empty(tokens, top, device=scores.device)
    route[(tokens,)](scores, scales, chosen, weights, size, TOP=top, BLOCK=triton.next_power_of_2(size))
    return chosen, weights


def joined(
    stream: Tensor, dense: Tensor, experts: Tensor, places: Tensor, shares: Tensor,
    weights: tuple[Tensor, Tensor, Tensor], scalar: Tensor, next_weight: Tensor, eps: float,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The stream [N, H] at a layer's end, and the same normalized for the next. experts: what they gave, [N · K, H], of
    which a token's are at `places` [N, K], and count by their `shares`. weights: of the norms of what the dense layer
    gave, the experts, and both."""
    size = stream.shape[1]
    outs = (torch.empty_like(stream), torch.empty_like(stream))
    join[(len(stream),)](
        stream, dense, experts, places, shares, *weights, scalar, next_weight, *outs, size, eps,
        TOP=places.shape[1], BLOCK=triton.next_power_of_2(size), num_warps=WARPS,
    )  # fmt: skip
    return outs


def gated(gates: Tensor, ups: Tensor) -> Tensor:
    """gelu(gates) · ups, [M, I], of tensors with the same stride."""
    rows, width = gates.shape
    out = gates.new_empty(rows, width)
    gate[(rows, triton.cdiv(width, GATES))](gates, ups, out, width, gates.stride(0), BLOCK=GATES)
    return out
