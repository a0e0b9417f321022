"""Attention of packed tokens in one kernel: the context's length, the rows and the windows are read on the device.

A program takes one shared head and some tokens, whose query heads that share it make the rows of one product. It goes
over the visible part of the context, then the extra keys, then the pass's own, in that order whatever the batch, so
that a row's sum never depends on its neighbours.
"""

# Triton may be missing, annotates nothing, and its language has only the looks of Python.
# pyright: basic, reportMissingImports=false, reportArgumentType=false, reportCallIssue=false
# pyright: reportGeneralTypeIssues=false, reportIndexIssue=false

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from engine.cuda.programs.attention import PackedAttention
from engine.kv.cache import LayerView


@triton.jit
def _seen(query, keys, values, visible, highest, total, mixed, KIND: tl.constexpr):
    """Goes on with a softmax over more keys. query: [R, D]. keys, values: [B, D]. visible: [R, B]. highest, total: [R].
    mixed: [R, D]."""
    scores = tl.where(visible, tl.dot(query, tl.trans(keys), input_precision="ieee"), -float("inf"))
    higher = tl.maximum(highest, tl.max(scores, 1))
    # Where nothing has been seen yet the difference of two infinities would be no number.
    base = tl.where(higher > -float("inf"), higher, 0.0)
    shrink = tl.exp(highest - base)
    weights = tl.exp(scores - base[:, None])
    given = tl.dot(weights.to(KIND), values, input_precision="ieee")
    return higher, total * shrink + tl.sum(weights, 1), mixed * shrink[:, None] + given


@triton.jit
def packed_attention(
    query, context_keys, context_values, extra_keys, own_keys, own_values, out,
    context, places, floors, positions, begins, ends, extra_sources, extra_positions, extra_begins, extra_ends,
    query_token, query_head, context_head, extra_head, extra_token, own_head, own_token, tokens, extra,
    GROUP: tl.constexpr, D: tl.constexpr, TOKENS: tl.constexpr, KEYS: tl.constexpr, WINDOW: tl.constexpr,
    KIND: tl.constexpr,
):  # fmt: skip
    """query: [N, heads, D] by its two strides; out: [N, heads, D]. Keys and values: [shared heads, n, D] by theirs.
    context: where it starts and its length; the other int64 fields are those of `programs.attention`."""
    head = tl.program_id(0)
    lane = tl.arange(0, TOKENS * GROUP)
    token = tl.program_id(1) * TOKENS + lane // GROUP
    query_number = head * GROUP + lane % GROUP
    heads = tl.num_programs(0) * GROUP
    column = tl.arange(0, D)
    live = token < tokens

    rows = tl.load(
        query + token[:, None] * query_token + query_number[:, None] * query_head + column[None, :],
        mask=live[:, None], other=0.0,
    )  # fmt: skip
    place = tl.load(places + token, mask=live, other=-1)
    lowest = tl.load(floors + token, mask=live, other=0) - WINDOW

    highest = tl.full((TOKENS * GROUP,), -float("inf"), tl.float32)
    total = tl.zeros((TOKENS * GROUP,), tl.float32)
    mixed = tl.zeros((TOKENS * GROUP, D), tl.float32)

    # What differs between keys fits 32 bits, and takes half the registers.
    begin_of_head = head.to(tl.int64) * context_head
    kept_keys, kept_values = context_keys + begin_of_head, context_values + begin_of_head
    start, length = tl.load(context) * D, tl.load(context + 1).to(tl.int32)
    first = 0
    if WINDOW > 0:
        # Padding has no floor, so it is left out.
        nearest = tl.min(tl.where(live & (place < 1 << 30), lowest, length.to(tl.int64)), 0).to(tl.int32) + 1
        first = tl.minimum(tl.maximum(nearest, 0), length) // KEYS * KEYS
    for begin in range(first, length, KEYS):
        key = begin + tl.arange(0, KEYS)
        there = key < length
        at = key[:, None] * D + column[None, :]
        keys = tl.load(kept_keys + start + at, mask=there[:, None], other=0.0)
        values = tl.load(kept_values + start + at, mask=there[:, None], other=0.0)
        visible = there[None, :] & live[:, None]
        if WINDOW > 0:
            visible &= key[None, :] > lowest[:, None]
        highest, total, mixed = _seen(rows, keys, values, visible, highest, total, mixed, KIND)
    for begin in range(0, extra, KEYS):
        key = begin + tl.arange(0, KEYS)
        there = key < extra
        at = head * extra_head + key[:, None] * extra_token + column[None, :]
        keys = tl.load(extra_keys + at, mask=there[:, None], other=0.0)
        # Only keys are turned, so that values are read where they are kept.
        source = tl.load(extra_sources + key, mask=there, other=0).to(tl.int32)
        values = tl.load(kept_values + source[:, None] * D + column[None, :], mask=there[:, None], other=0.0)
        visible = tl.load(extra_begins + key, mask=there, other=1)[None, :] <= place[:, None]
        visible &= place[:, None] < tl.load(extra_ends + key, mask=there, other=0)[None, :]
        if WINDOW > 0:
            visible &= tl.load(extra_positions + key, mask=there, other=0)[None, :] > lowest[:, None]
        highest, total, mixed = _seen(rows, keys, values, visible, highest, total, mixed, KIND)
    for begin in range(0, tokens, KEYS):
        key = begin + tl.arange(0, KEYS)
        there = key < tokens
        at = head * own_head + key[:, None] * own_token + column[None, :]
        keys = tl.load(own_keys + at, mask=there[:, None], other=0.0)
        values = tl.load(own_values + at, mask=there[:, None], other=0.0)
        visible = tl.load(begins + key, mask=there, other=1)[None, :] <= place[:, None]
        visible &= place[:, None] < tl.load(ends + key, mask=there, other=0)[None, :]
        if WINDOW > 0:
            visible &= tl.load(positions + key, mask=there, other=0)[None, :] > lowest[:, None]
        highest, total, mixed = _seen(rows, keys, values, visible, highest, total, mixed, KIND)

    result = mixed / tl.where(total > 0, total, 1.0)[:, None]
    at = (token[:, None] * heads + query_number[:, None]) * D + column[None, :]
    tl.store(out + at, result.to(KIND), mask=live[:, None])


KINDS = {torch.bfloat16: tl.bfloat16, torch.float16: tl.float16, torch.float32: tl.float32}

ROWS = 16
"""Rows of a program's products, the fewest that tensor cores take."""


def blocking(head_dim: int, kind: torch.dtype) -> tuple[int, int, int]:
    """Keys at once, warps and stages: what keeps a program of such heads in registers and 99 KB of shared memory."""
    keys = 32 if kind.itemsize == 2 else 16
    return (keys, 4, 2) if head_dim <= 256 else (keys, 8, 1)


class KernelAttention(PackedAttention):
    """The same with the kernel."""

    def attend(self, layer: int, query: Tensor, whole: LayerView, extra_keys: Tensor, own: LayerView) -> Tensor:
        _, heads, tokens, width = query.shape
        shared = own.keys.shape[1]
        given = self.inputs
        block, warps, stages = blocking(width, query.dtype)
        per_program = max(1, ROWS // (heads // shared))
        out = query.new_empty(1, tokens, heads, width)
        packed_attention[(shared, triton.cdiv(tokens, per_program))](
            query, whole.keys, whole.values, extra_keys, own.keys, own.values, out,
            given["context"], given["places"], given["floors"], given["positions"], given["begins"], given["ends"],
            given["extra_sources"], given["extra_positions"], given["extra_begins"], given["extra_ends"],
            query.stride(2), query.stride(1), whole.keys.stride(1),
            extra_keys.stride(1), extra_keys.stride(2), own.keys.stride(1), own.keys.stride(2),
            tokens, extra_keys.shape[2],
            GROUP=heads // shared, D=width, TOKENS=per_program, KEYS=block,
            WINDOW=self.arena.shapes[layer].window or 0, KIND=KINDS[query.dtype],
            num_warps=warps, num_stages=stages,
        )  # fmt: skip
        return out
