"""What stands between a layer's products, each chain of it in one kernel: norms, rotations, residuals, routing.

Sums are float32 whatever the tensors are. A program has a token, or one head of it, in registers from its first load to
its last store.
"""

# Triton may be missing, annotates nothing, and its language has only the looks of Python.
# pyright: basic, reportMissingImports=false, reportArgumentType=false, reportCallIssue=false
# pyright: reportGeneralTypeIssues=false, reportIndexIssue=false

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from engine.kv.cache import LayerView

_NO_EXPERT = tl.constexpr(2**31 - 1)


@triton.jit
def _scale(values, size, eps):
    """What makes the root mean square of `size` values 1."""
    return tl.rsqrt(tl.sum(values * values, 0) / size + eps)


@triton.jit
def _turned(at, weight, cosines, sines, token, column, eps, D: tl.constexpr):
    """A head [D], normalized, weighted, and turned to its token's position."""
    HALF: tl.constexpr = D // 2
    other = (column + HALF) % D
    values = tl.load(at + column).to(tl.float32)
    scale = _scale(values, D, eps)
    values *= scale * tl.load(weight + column).to(tl.float32)
    partners = tl.load(at + other).to(tl.float32) * scale * tl.load(weight + other).to(tl.float32)
    partners = tl.where(column < HALF, -partners, partners)
    cosine = tl.load(cosines + token * D + column).to(tl.float32)
    return values * cosine + partners * tl.load(sines + token * D + column).to(tl.float32)


@triton.jit
def finish_heads(
    queries, keys, values, query_weight, key_weight, cosines, sines, kept,
    query_out, key_out, value_out, context_keys, context_values, context_head, tokens, eps,
    HEADS: tl.constexpr, SHARED: tl.constexpr, D: tl.constexpr,
):  # fmt: skip
    """One head of a token: of its query, or of its key or value, which are also written to where they are kept."""
    token, part = tl.program_id(0).to(tl.int64), tl.program_id(1)
    column = tl.arange(0, D)
    if part < HEADS:
        at = (token * HEADS + part) * D
        turned = _turned(queries + at, query_weight, cosines, sines, token, column, eps, D)
        tl.store(query_out + at + column, turned.to(query_out.dtype.element_ty))
    elif part < HEADS + SHARED:
        head = part - HEADS
        at = keys + (token * SHARED + head) * D
        turned = _turned(at, key_weight, cosines, sines, token, column, eps, D).to(key_out.dtype.element_ty)
        tl.store(key_out + (head * tokens + token) * D + column, turned)
        tl.store(context_keys + head * context_head + tl.load(kept + token) * D + column, turned)
    else:
        head = part - HEADS - SHARED
        own = tl.load(values + (token * SHARED + head) * D + column).to(tl.float32)
        own = (own * _scale(own, D, eps)).to(value_out.dtype.element_ty)
        tl.store(value_out + (head * tokens + token) * D + column, own)
        tl.store(context_values + head * context_head + tl.load(kept + token) * D + column, own)


@triton.jit
def turn_extra(
    context_keys, context_values, sources, cosines, sines, key_out, value_out, context_head, extra,
    D: tl.constexpr,
):  # fmt: skip
    """One head of an extra key, turned by its shift, and its value."""
    number, head = tl.program_id(0).to(tl.int64), tl.program_id(1)
    column = tl.arange(0, D)
    HALF: tl.constexpr = D // 2
    other = (column + HALF) % D
    at = head * context_head + tl.load(sources + number) * D
    values = tl.load(context_keys + at + column).to(tl.float32)
    partners = tl.load(context_keys + at + other).to(tl.float32)
    partners = tl.where(column < HALF, -partners, partners)
    cosine = tl.load(cosines + number * D + column).to(tl.float32)
    turned = values * cosine + partners * tl.load(sines + number * D + column).to(tl.float32)
    out = (head * extra + number) * D + column
    tl.store(key_out + out, turned.to(key_out.dtype.element_ty))
    tl.store(value_out + out, tl.load(context_values + at + column))


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
    tl.store(chosen_out + token * TOP + place, chosen.to(tl.int64))
    tl.store(weight_out + token * TOP + place, weights)


@triton.jit
def join(
    stream, dense, experts, dense_weight, experts_weight, joined_weight, scalar, next_weight,
    stream_out, next_out, size, eps,
    BLOCK: tl.constexpr,
):  # fmt: skip
    """Adds what the dense layer and the experts gave to a token's stream, and normalizes that for the next layer."""
    row = tl.program_id(0).to(tl.int64) * size
    column = tl.arange(0, BLOCK)
    there = column < size
    kind = stream_out.dtype.element_ty
    given = tl.load(dense + row + column, mask=there, other=0.0).to(tl.float32)
    given *= _scale(given, size, eps) * tl.load(dense_weight + column, mask=there, other=0.0).to(tl.float32)
    more = tl.load(experts + row + column, mask=there, other=0.0).to(tl.float32)
    more *= _scale(more, size, eps) * tl.load(experts_weight + column, mask=there, other=0.0).to(tl.float32)
    given += more
    given *= _scale(given, size, eps) * tl.load(joined_weight + column, mask=there, other=0.0).to(tl.float32)
    whole = tl.load(stream + row + column, mask=there, other=0.0).to(tl.float32) + given
    whole = (whole * tl.load(scalar).to(tl.float32)).to(kind)
    tl.store(stream_out + row + column, whole, mask=there)
    whole = whole.to(tl.float32)
    whole *= _scale(whole, size, eps) * tl.load(next_weight + column, mask=there, other=0.0).to(tl.float32)
    tl.store(next_out + row + column, whole.to(kind), mask=there)


WARPS = 8
"""Of a program that has a whole token."""


def finished_heads(
    queries: Tensor, keys: Tensor, values: Tensor, weights: tuple[Tensor, Tensor], rotation: tuple[Tensor, Tensor],
    kept: Tensor, context: LayerView, eps: float,
) -> tuple[Tensor, LayerView]:  # fmt: skip
    """Queries [1, heads, N, D] and the pass's own keys and values [1, shared, N, D], of products [N, heads · D] and [N,
    shared · D], the latter also written to the arena. weights: of the queries' norm and the keys'. rotation: cosines
    and sines [1, N, D]."""
    tokens = len(queries)
    shared, width = context.keys.shape[1], context.keys.shape[3]
    heads = queries.shape[1] // width
    out = queries.new_empty(1, tokens, heads, width)
    own = LayerView(keys.new_empty(1, shared, tokens, width), keys.new_empty(1, shared, tokens, width))
    finish_heads[(tokens, heads + 2 * shared)](
        queries, keys, values, *weights, *rotation, kept, out, own.keys, own.values, context.keys, context.values,
        context.keys.stride(1), tokens, eps, HEADS=heads, SHARED=shared, D=width,
    )  # fmt: skip
    return out.transpose(1, 2), own


def turned_extra(context: LayerView, sources: Tensor, rotation: tuple[Tensor, Tensor]) -> LayerView:
    """The arena's keys at `sources` [M], turned, and their values: [1, shared, M, D] each."""
    _, shared, _, width = context.keys.shape
    extra = len(sources)
    own = LayerView(*(view.new_empty(1, shared, extra, width) for view in (context.keys, context.values)))
    if extra:
        turn_extra[(extra, shared)](
            context.keys, context.values, sources, *rotation, own.keys, own.values, context.keys.stride(1), extra,
            D=width,
        )  # fmt: skip
    return own


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
    """The experts [N, top] int64 of scores [N, E], and their weights [N, top] float32."""
    tokens, size = scores.shape
    chosen = torch.empty(tokens, top, dtype=torch.int64, device=scores.device)
    weights = torch.empty(tokens, top, device=scores.device)
    route[(tokens,)](scores, scales, chosen, weights, size, TOP=top, BLOCK=triton.next_power_of_2(size))
    return chosen, weights


def joined(
    stream: Tensor, dense: Tensor, experts: Tensor, weights: tuple[Tensor, Tensor, Tensor], scalar: Tensor,
    next_weight: Tensor, eps: float,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The stream [N, H] at a layer's end, and the same normalized for the next. weights: of the norms of what the dense
    layer gave, the experts, and both."""
    size = stream.shape[1]
    outs = (torch.empty_like(stream), torch.empty_like(stream))
    join[(len(stream),)](
        stream, dense, experts, *weights, scalar, next_weight, *outs, size, eps,
        BLOCK=triton.next_power_of_2(size), num_warps=WARPS,
    )  # fmt: skip
    return outs
