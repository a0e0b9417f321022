"""Products of the same rows with several weights, in one kernel where these are packed in groups."""

# Triton may be missing, annotates nothing, and its language has only the looks of Python.
# pyright: basic, reportMissingImports=false, reportArgumentType=false, reportCallIssue=false
# pyright: reportGeneralTypeIssues=false, reportIndexIssue=false

from __future__ import annotations

from collections.abc import Sequence

import torch
import triton
import triton.language as tl
from torch import Tensor, nn

from engine.cuda.kernels.pointwise import gate_value, gated
from engine.quant.kernels import accumulated, entry_rows, tile_of
from engine.quant.modules import Grouped, PackedLinear

LINES = 32
"""Lines of a plain weight that a program owns: it has few to share out among the processors."""

GATED_LINES = {True: 64, False: 32}
"""The same of gates, by whether they are experts', of which there are many; a program holds as many again."""


@triton.jit(do_not_specialize=["count"])
def joint_product(
    rows, first_codes, first_scales, second_codes, second_scales, third_codes, third_scales, products,
    count, first, second, third, inputs,
    BITS: tl.constexpr, GROUP: tl.constexpr, TILE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Products of rows with the lines of three weights, end to end. A program owns BLOCK lines of one weight."""
    number = tl.program_id(0)
    codes, scales, size, begin = first_codes, first_scales, first, 0
    if number >= tl.cdiv(first, BLOCK):
        number -= tl.cdiv(first, BLOCK)
        codes, scales, size, begin = second_codes, second_scales, second, first
        if number >= tl.cdiv(second, BLOCK):
            number -= tl.cdiv(second, BLOCK)
            codes, scales, size, begin = third_codes, third_scales, third, first + second
    output = number * BLOCK + tl.arange(0, BLOCK)
    there = output < size
    for start in range(0, count, TILE):
        row = start + tl.arange(0, TILE)
        live = row < count
        line = output.to(tl.int64)
        total = accumulated(rows, codes, scales, line, there, row, live, inputs, BITS, GROUP, TILE, BLOCK)
        at = products + row[None, :] * (first + second + third) + begin + output[:, None]
        tl.store(at, total.to(products.dtype.element_ty), mask=live[None, :] & there[:, None])


@triton.jit(do_not_specialize=["count"])
def gated_product(
    rows, gate_codes, gate_scales, up_codes, up_scales, tokens, ends, products, count, outputs, lines, inputs,
    BITS: tl.constexpr, GROUP: tl.constexpr, TILE: tl.constexpr, BLOCK: tl.constexpr, ONE_ENTRY: tl.constexpr,
):  # fmt: skip
    """gelu(rows · gateᵀ) · (rows · upᵀ) with the rows of `tokens` in the order of their entries, each of which has so
    many lines in its weight; or of one entry, with all rows."""
    begin, end = entry_rows(ends, count, ONE_ENTRY)
    output = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    there = output < outputs
    line = (tl.program_id(1) * lines + output).to(tl.int64)
    for first in range(begin, end, TILE):
        number = first + tl.arange(0, TILE)
        live = number < end
        row = number
        if not ONE_ENTRY:
            row = tl.load(tokens + number, mask=live, other=0)
        gates = accumulated(rows, gate_codes, gate_scales, line, there, row, live, inputs, BITS, GROUP, TILE, BLOCK)
        ups = accumulated(rows, up_codes, up_scales, line, there, row, live, inputs, BITS, GROUP, TILE, BLOCK)
        at = products + number[None, :] * outputs + output[:, None]
        product = gate_value(gates) * ups
        tl.store(at, product.to(products.dtype.element_ty), mask=live[None, :] & there[:, None])


def joint(projections: Sequence[nn.Module], hidden: Tensor) -> Sequence[Tensor]:
    """What up to three linear layers give of hidden states [N, K]: [N, outputs] each."""
    packed = [grouped for each in projections if (grouped := _in_groups(each, hidden.device))]
    if len(packed) < len(projections) or len({weight.bits for weight in packed}) > 1:
        return [each(hidden) for each in projections]
    return joint_products(hidden, packed)


def gated_layers(gate: nn.Module, up: nn.Module, hidden: Tensor) -> Tensor:
    """gelu of what one linear layer gives of hidden states [N, K], times what another does: [N, outputs]."""
    gates, ups = _in_groups(gate, hidden.device), _in_groups(up, hidden.device)
    if gates is None or ups is None or gates.bits != ups.bits:
        return gated(gate(hidden), up(hidden))
    return gated_products(hidden, gates, ups, None, None)


def joint_products(rows: Tensor, weights: Sequence[Grouped]) -> Sequence[Tensor]:
    """Products of rows [M, K] with each of up to three weights, as views [M, N] of one tensor."""
    count, inputs = rows.shape
    sizes = [weight.scales.shape[0] for weight in weights]
    products = rows.new_empty(count, sum(sizes))
    # A weight that is not there has no lines, so that its address does not matter.
    own = [*weights, *[weights[0]] * (3 - len(weights))]
    first, second, third = [*sizes, 0, 0][:3]
    joint_product[(sum(triton.cdiv(size, LINES) for size in sizes),)](
        rows.contiguous(), *(part for weight in own for part in (weight.codes, weight.scales)), products,
        count, first, second, third, inputs,
        BITS=weights[0].bits, GROUP=weights[0].group, TILE=tile_of(count, 1), BLOCK=LINES, num_warps=4, num_stages=4,
    )  # fmt: skip
    return products.split(sizes, dim=1)


def gated_products(rows: Tensor, gates: Grouped, ups: Grouped, tokens: Tensor | None, ends: Tensor | None) -> Tensor:
    """gelu(rows · gateᵀ) · (rows · upᵀ), [M, N], of rows [M, K]. With `tokens` [M] and `ends` [E], both int32, a weight
    has E entries, and the rows of these tokens are multiplied, each with its own entry's."""
    inputs = rows.shape[1]
    outputs, entries = gates.scales.shape[-2], 1 if ends is None else len(ends)
    count = len(rows) if tokens is None else len(tokens)
    products = rows.new_empty(count, outputs)
    # Entries may be parts of longer ones.
    lines = outputs if ends is None else gates.scales.stride(0) // gates.scales.shape[-1]
    block = GATED_LINES[ends is not None]
    gated_product[(triton.cdiv(outputs, block), entries)](
        rows.contiguous(), gates.codes, gates.scales, ups.codes, ups.scales, tokens, ends, products,
        count, outputs, lines, inputs,
        BITS=gates.bits, GROUP=gates.group, TILE=tile_of(count, entries), BLOCK=block, ONE_ENTRY=ends is None,
        num_warps=4, num_stages=4,
    )  # fmt: skip
    return products


def _in_groups(layer: nn.Module, device: torch.device) -> Grouped | None:
    return layer.weight.in_groups(device) if isinstance(layer, PackedLinear) else None
