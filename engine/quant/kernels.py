"""Triton kernels that multiply rows with weights in groups where they lie: no weight is ever unpacked in memory.

Imports Triton, which torch brings along where it supports CUDA; `engine.quant.packed_product` says where it is used.
"""

# Triton's language has no types that a checker could read, and not every machine has Triton.
# pyright: basic, reportMissingImports=false, reportArgumentType=false, reportCallIssue=false
# pyright: reportGeneralTypeIssues=false, reportIndexIssue=false
# ruff: noqa: ANN001, ANN201, ANN202, N803, N806

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

_WIDEST_TILE = 64
"""Rows that one program multiplies at once."""

_SHARES = 16
"""Shares of a weight's lines that are added up side by side: there are few columns for all of a card's processors."""


@triton.jit
def accumulated(
    rows, codes, scales, line, there, row, live, inputs,
    BITS: tl.constexpr, GROUP: tl.constexpr, TILE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Sums over k of rows[row, k] · codes[line, k] · scales[line, k // GROUP], [BLOCK, TILE] float32.

    there, live: which lines [BLOCK] and which rows [TILE] there are.

    Codes are on the product's wide side, so that few rows leave no tensor core idle; scales multiply partial sums, not
    weights.
    """
    HALF: tl.constexpr = GROUP // 2
    half = tl.arange(0, HALF)
    column = tl.arange(0, GROUP)
    total = tl.zeros((BLOCK, TILE), tl.float32)
    for group in range(inputs // GROUP):
        if BITS == 4:
            at = codes + line[:, None] * (inputs // 2) + group * HALF + half[None, :]
            packed = tl.load(at, mask=there[:, None], other=0).to(tl.int32)
            at = rows + row[None, :] * inputs + group * GROUP + half[:, None]
            first = tl.load(at, mask=live[None, :], other=0.0)
            second = tl.load(at + HALF, mask=live[None, :], other=0.0)
            part = tl.dot(((packed & 15) - 8).to(first.dtype), first, input_precision="ieee")
            part += tl.dot(((packed >> 4) - 8).to(second.dtype), second, input_precision="ieee")
        else:
            at = codes + line[:, None] * inputs + group * GROUP + column[None, :]
            packed = tl.load(at, mask=there[:, None], other=0)
            at = rows + row[None, :] * inputs + group * GROUP + column[:, None]
            own = tl.load(at, mask=live[None, :], other=0.0)
            part = tl.dot(packed.to(own.dtype), own, input_precision="ieee")
        scale = tl.load(scales + line * (inputs // GROUP) + group, mask=there, other=0.0)
        total += part * scale.to(tl.float32)[:, None]
    return total


@triton.jit
def entry_rows(ends, count, ONE_ENTRY: tl.constexpr):
    """Where the rows of a program's entry begin and end; an entry is what the second axis of programs counts."""
    begin, end = 0, count
    if not ONE_ENTRY:
        entry = tl.program_id(1)
        end = tl.load(ends + entry)
        if entry > 0:
            begin = tl.load(ends + entry - 1)
    return begin, end


@triton.jit(do_not_specialize=["count"])
def _packed_product(
    rows, codes, scales, ends, products, count, outputs, inputs,
    BITS: tl.constexpr, GROUP: tl.constexpr, TILE: tl.constexpr, BLOCK: tl.constexpr, ONE_ENTRY: tl.constexpr,
):  # fmt: skip
    """Products of rows with their entry's lines. A program owns BLOCK outputs of one entry and goes through the entry's
    rows in tiles."""
    begin, end = entry_rows(ends, count, ONE_ENTRY)
    output = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    there = output < outputs
    line = (tl.program_id(1) * outputs + output).to(tl.int64)
    for first in range(begin, end, TILE):
        row = first + tl.arange(0, TILE)
        live = row < end
        total = accumulated(rows, codes, scales, line, there, row, live, inputs, BITS, GROUP, TILE, BLOCK)
        at = products + row[None, :] * outputs + output[:, None]
        tl.store(at, total.to(products.dtype.element_ty), mask=live[None, :] & there[:, None])


def tile_of(count: int, entries: int) -> int:
    """Rows that a program multiplies at once, where so many are shared out among entries."""
    return int(min(max(16, triton.next_power_of_2(triton.cdiv(count, entries))), _WIDEST_TILE))


def packed_product(rows: Tensor, codes: Tensor, scales: Tensor, ends: Tensor | None) -> Tensor:
    """See `engine.quant.packed_product`."""
    count, inputs = rows.shape
    *entries, outputs, groups = scales.shape
    products = rows.new_empty(count, outputs)
    if not count:
        return products
    # A plain weight has few outputs to share out among the processors, all experts together have many.
    block = 32 if ends is None else 64
    _packed_product[triton.cdiv(outputs, block), 1 if ends is None else entries[0]](
        rows.contiguous(), codes, scales, ends, products, count, outputs, inputs,
        BITS=4 if codes.dtype == torch.uint8 else 8, GROUP=inputs // groups,
        TILE=tile_of(count, 1 if ends is None else entries[0]), BLOCK=block, ONE_ENTRY=ends is None,
        num_warps=4, num_stages=4,
    )  # fmt: skip
    return products


@triton.jit(do_not_specialize=["count"])
def _packed_mixture(
    rows, codes, scales, parts, count, lines, columns,
    GROUP: tl.constexpr, TILE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Sums over a share of the lines of rows[row, line] · codes[line, column] · scales[line, column // GROUP], as parts
    [shares, count, columns]. A program owns a group of columns, a tile of rows and a share."""
    group = tl.program_id(0)
    column = group * GROUP + tl.arange(0, GROUP)
    row = (tl.program_id(1) * TILE + tl.arange(0, TILE)).to(tl.int64)
    live = row < count
    length = tl.cdiv(tl.cdiv(lines, BLOCK), tl.num_programs(2)) * BLOCK
    begin = tl.program_id(2) * length
    end = tl.minimum(begin + length, lines)
    total = tl.zeros((TILE, GROUP), tl.float32)
    for first in range(begin, end, BLOCK):
        line = (first + tl.arange(0, BLOCK)).to(tl.int64)
        there = line < end
        own = tl.load(rows + row[:, None] * lines + line[None, :], mask=live[:, None] & there[None, :], other=0.0)
        packed = tl.load(codes + line[:, None] * columns + column[None, :], mask=there[:, None], other=0)
        scale = tl.load(scales + line * (columns // GROUP) + group, mask=there, other=0.0)
        # Every line has a scale of its own, so that none can wait for the sums.
        weight = packed.to(tl.float32) * scale.to(tl.float32)[:, None]
        total += tl.dot(own, weight.to(own.dtype), input_precision="ieee")
    at = parts + (tl.program_id(2) * count + row[:, None]) * columns + column[None, :]
    tl.store(at, total, mask=live[:, None])


def packed_mixture(rows: Tensor, codes: Tensor, scales: Tensor) -> Tensor:
    """See `engine.quant.packed_product`."""
    count, lines = rows.shape
    columns, groups = codes.shape[1], scales.shape[1]
    if not count:
        return rows.new_empty(0, columns, dtype=torch.float32)
    tile = tile_of(count, 1)
    tiles = triton.cdiv(count, tile)
    parts = rows.new_empty(max(1, _SHARES // tiles), count, columns, dtype=torch.float32)
    _packed_mixture[groups, tiles, len(parts)](
        rows.contiguous(), codes, scales, parts, count, lines, columns,
        GROUP=columns // groups, TILE=tile, BLOCK=64, num_warps=4, num_stages=3,
    )  # fmt: skip
    return parts.sum(0)
