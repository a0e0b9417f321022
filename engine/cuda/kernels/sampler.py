"""The sampler in one pass over the logits: softcap, temperature, bans, entropy, the likeliest ids, and a draw.

`tile_beliefs` sums a tile of the vocabulary up; `beliefs` joins a row's tiles, draws, and looks into the drawn tile
alone. The draw inverts the distribution in the order of tiles, and within one in the order of ids: the same bits give
the same id, in whatever batch, and an id of weight 0 is never taken.
"""

# Triton may be missing, annotates nothing, and its language has only the looks of Python.
# pyright: basic, reportMissingImports=false, reportArgumentType=false, reportCallIssue=false
# pyright: reportGeneralTypeIssues=false, reportIndexIssue=false

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from engine.denoise.sampler import IMPOSSIBLE

TILE = 2048
"""Ids that one program of the first kernel looks at."""

_IMPOSSIBLE = tl.constexpr(IMPOSSIBLE)
_NO_ID = tl.constexpr(2**31 - 1)


@triton.jit
def _processed(logits, words, choices, temperature, row, ids, size, row_stride, word_stride, SOFTCAP: tl.constexpr):
    """Of some ids the logits after softcap, temperature and bans, and which of them may stand."""
    there = ids < size
    raw = tl.load(logits + row * row_stride + ids, mask=there, other=0.0).to(tl.float32)
    # tanh by exp of what is not positive, so that nothing overflows.
    ratio = raw / SOFTCAP
    shrunk = tl.exp(-2.0 * tl.abs(ratio))
    capped = tl.where(ratio < 0, -1.0, 1.0) * SOFTCAP * (1.0 - shrunk) / (1.0 + shrunk)
    choice = tl.load(choices + row)
    word = tl.load(words + choice * word_stride + ids // 32, mask=there, other=0)
    may = there & (((word >> (ids % 32)) & 1) != 0)
    return tl.where(may, capped / tl.load(temperature).to(tl.float32), _IMPOSSIBLE), may


@triton.jit
def tile_beliefs(
    logits, words, choices, temperature, sums, top_logits, top_ids, size, row_stride, word_stride,
    SOFTCAP: tl.constexpr, TILE: tl.constexpr, TOP: tl.constexpr,
):  # fmt: skip
    """Of a row's tile: its highest logit, the summed exponentials below that, and their sum times the logits, [N,
    tiles, 3]; and its likeliest ids, [N, tiles, TOP]."""
    row, tile, tiles = tl.program_id(0).to(tl.int64), tl.program_id(1), tl.num_programs(1)
    ids = tile * TILE + tl.arange(0, TILE)
    processed, may = _processed(logits, words, choices, temperature, row, ids, size, row_stride, word_stride, SOFTCAP)
    highest = tl.max(processed, 0)
    weights = tl.where(may, tl.exp(processed - highest), 0.0)
    at = (row * tiles + tile) * 3
    tl.store(sums + at, highest)
    tl.store(sums + at + 1, tl.sum(weights, 0))
    tl.store(sums + at + 2, tl.sum(weights * processed, 0))
    left = tl.where(ids < size, processed, -float("inf"))
    for number in range(TOP):
        best = tl.max(left, 0)
        found = tl.min(tl.where(left == best, ids, _NO_ID), 0)
        tl.store(top_logits + (row * tiles + tile) * TOP + number, best)
        tl.store(top_ids + (row * tiles + tile) * TOP + number, found)
        left = tl.where(ids == found, -float("inf"), left)


@triton.jit
def beliefs(
    logits, words, choices, temperature, bits, sums, top_logits, top_ids, result, log_totals,
    size, row_stride, word_stride, tiles,
    SOFTCAP: tl.constexpr, TILE: tl.constexpr, TILES: tl.constexpr, TOP: tl.constexpr,
):  # fmt: skip
    """A row of the packed result, and the logarithm of its summed exponentials. TILES: a power of 2, at least
    `tiles`."""
    row = tl.program_id(0).to(tl.int64)
    tile = tl.arange(0, TILES)
    at = sums + (row * tiles + tile) * 3
    there = tile < tiles
    tops = tl.load(at, mask=there, other=-float("inf"))
    highest = tl.max(tops, 0)
    scale = tl.exp(tops - highest)
    masses = tl.load(at + 1, mask=there, other=0.0) * scale
    total = tl.sum(masses, 0)
    log_total = highest + tl.log(total)
    entropy = log_total - tl.sum(tl.load(at + 2, mask=there, other=0.0) * scale, 0) / total
    out = result + row * (2 + 2 * TOP)
    tl.store(log_totals + row, log_total)
    tl.store(out + 1, tl.maximum(entropy, 0.0).to(tl.int32, bitcast=True))

    # The first tile at which the running sum passes the target, or the last that has any weight.
    running = tl.cumsum(masses, 0)
    target = tl.load(bits + row).to(tl.float32) * (1.0 / 16777216.0) * total
    passed = tl.min(tl.where((running > target) & (masses > 0), tile, TILES), 0)
    last = tl.max(tl.where(masses > 0, tile, 0), 0)
    drawn_tile = tl.minimum(passed, last)
    before = tl.sum(tl.where(tile < drawn_tile, masses, 0.0), 0)
    ids = drawn_tile * TILE + tl.arange(0, TILE)
    processed, may = _processed(logits, words, choices, temperature, row, ids, size, row_stride, word_stride, SOFTCAP)
    weights = tl.where(may, tl.exp(processed - highest), 0.0)
    running_ids = before + tl.cumsum(weights, 0)
    passed_id = tl.min(tl.where((running_ids > target) & (weights > 0), ids, _NO_ID), 0)
    last_id = tl.max(tl.where(weights > 0, ids, 0), 0)
    tl.store(out, tl.minimum(passed_id, last_id))

    candidate = tl.arange(0, TILES * TOP)
    own = candidate < tiles * TOP
    left = tl.load(top_logits + row * tiles * TOP + candidate, mask=own, other=-float("inf"))
    numbers = tl.load(top_ids + row * tiles * TOP + candidate, mask=own, other=_NO_ID)
    for number in range(TOP):
        best = tl.max(left, 0)
        found = tl.min(tl.where(left == best, numbers, _NO_ID), 0)
        tl.store(out + 2 + number, found)
        tl.store(out + 2 + TOP + number, (best - log_total).to(tl.int32, bitcast=True))
        left = tl.where(numbers == found, -float("inf"), left)


@triton.jit
def probabilities(
    logits, words, choices, temperature, log_totals, out, size, row_stride, word_stride,
    SOFTCAP: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """The distributions [N, V] themselves, for mixing embeddings."""
    row = tl.program_id(0).to(tl.int64)
    ids = tl.program_id(1) * TILE + tl.arange(0, TILE)
    processed, may = _processed(logits, words, choices, temperature, row, ids, size, row_stride, word_stride, SOFTCAP)
    probs = tl.where(may, tl.exp(processed - tl.load(log_totals + row)), 0.0)
    tl.store(out + row * size + ids, probs.to(out.dtype.element_ty), mask=ids < size)


def believe(
    logits: Tensor, words: Tensor, choices: Tensor, temperature: Tensor, bits: Tensor, result: Tensor, *, softcap: float
) -> Tensor:
    """Fills the packed result [N, 2 + 2k] from raw logits [N, V]; see `programs.sampling`. Returns the logarithms of
    the summed exponentials, [N].

    words: [rows, V / 32] int32, the table of choices. choices, bits: [N] int64. temperature: [1] float64.
    """
    count, size = logits.shape
    top = (result.shape[1] - 2) // 2
    tiles = triton.cdiv(size, TILE)
    sums = torch.empty(count, tiles, 3, device=logits.device)
    top_logits = torch.empty(count, tiles, top, device=logits.device)
    top_ids = torch.empty(count, tiles, top, device=logits.device, dtype=torch.int32)
    log_totals = torch.empty(count, device=logits.device)
    shape = (size, logits.stride(0), words.stride(0))
    tile_beliefs[(count, tiles)](
        logits, words, choices, temperature, sums, top_logits, top_ids, *shape, SOFTCAP=softcap, TILE=TILE, TOP=top
    )
    beliefs[(count,)](
        logits, words, choices, temperature, bits, sums, top_logits, top_ids, result, log_totals, *shape, tiles,
        SOFTCAP=softcap, TILE=TILE, TILES=triton.next_power_of_2(tiles), TOP=top,
    )  # fmt: skip
    return log_totals


def distributions(
    logits: Tensor, words: Tensor, choices: Tensor, temperature: Tensor, log_totals: Tensor, *, softcap: float,
    dtype: torch.dtype,
) -> Tensor:  # fmt: skip
    """The distributions [N, V] of `believe`, in a dtype."""
    count, size = logits.shape
    out = torch.empty(count, size, device=logits.device, dtype=dtype)
    probabilities[(count, triton.cdiv(size, TILE))](
        logits, words, choices, temperature, log_totals, out, size, logits.stride(0), words.stride(0),
        SOFTCAP=softcap, TILE=TILE,
    )  # fmt: skip
    return out
