"""A layer's experts: which of their rows come from which token, and what they give."""

# Triton may be missing, annotates nothing, and its language has only the looks of Python.
# pyright: basic, reportMissingImports=false, reportArgumentType=false, reportCallIssue=false
# pyright: reportGeneralTypeIssues=false, reportIndexIssue=false

from __future__ import annotations

from typing import NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

from engine.cuda.kernels.pointwise import gated
from engine.cuda.kernels.products import gated_products
from engine.model.experts import Experts, multiplied
from engine.quant.modules import PackedWeight

CHOICES = 1024
"""Choices that a program looks at together."""

_NO_EXPERT = tl.constexpr(2**31 - 1)


@triton.jit
def align(chosen, tokens_out, places_out, ends_out, choices, TOP: tl.constexpr, BLOCK: tl.constexpr):
    """One expert's rows: the tokens that chose it, in order, behind those of earlier experts."""
    expert = tl.program_id(0)
    number = tl.arange(0, BLOCK)
    place = 0
    for begin in range(0, choices, BLOCK):
        own = tl.load(chosen + begin + number, mask=begin + number < choices, other=_NO_EXPERT)
        place += tl.sum((own < expert).to(tl.int32), 0)
    for begin in range(0, choices, BLOCK):
        choice = begin + number
        mine = tl.load(chosen + choice, mask=choice < choices, other=_NO_EXPERT) == expert
        row = place + tl.cumsum(mine.to(tl.int32), 0) - 1
        tl.store(tokens_out + row, choice // TOP, mask=mine)
        tl.store(places_out + choice, row, mask=mine)
        place += tl.sum(mine.to(tl.int32), 0)
    tl.store(ends_out + expert, place)


class Alignment(NamedTuple):
    """Rows in the order of experts, int32. tokens: [N · K], whose each row is. places: [N, K], the row of each token's
    choice. ends: [E], where each expert's rows end."""

    tokens: Tensor
    places: Tensor
    ends: Tensor


def aligned(chosen: Tensor, experts: int) -> Alignment:
    """The rows of chosen experts [N, K] int32."""
    tokens, places = torch.empty_like(chosen.flatten()), torch.empty_like(chosen)
    ends = chosen.new_empty(experts)
    align[(experts,)](chosen, tokens, places, ends, chosen.numel(), TOP=chosen.shape[1], BLOCK=CHOICES)
    return Alignment(tokens, places, ends)


def given(experts: Experts, hidden: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
    """What the chosen experts [N, K] give of hidden states [N, H]: rows [N · K, H], and which of these each token's
    choices are, [N, K]."""
    rows = aligned(chosen, experts.gate_up_proj.shape[0])
    weight = experts.gate_up_proj
    grouped = weight.in_groups(hidden.device) if isinstance(weight, PackedWeight) else None
    if grouped is None:
        inner = gated(*multiplied(weight, hidden[rows.tokens], rows.ends).chunk(2, dim=-1))
    else:
        inner = gated_products(hidden, *grouped.halves(), rows.tokens, rows.ends)
    return multiplied(experts.down_proj, inner, rows.ends), rows.places
