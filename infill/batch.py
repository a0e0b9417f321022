"""Rows of one layout that are denoised side by side and differ in the length of a hole.

In their first step the first tokens after that hole are free as well: a model copies what it can see, so only what is
hidden from it shows whether it expects these tokens there. Knows how a hole's new length becomes a canvas; which length
that should be is decided elsewhere.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from engine.canvas import BatchState, Canvas, Context, DenoiseConfig, Denoiser, RowState, Stepper, TokenIds
from infill.layout import Layout
from infill.length import Move
from infill.request import StopReason

# Nats by which a token that a step does not list is taken to be less likely than the last one it does.
_UNLISTED = 1.0


@dataclass(frozen=True, slots=True)
class Middle:
    """A hole's tokens in a row to denoise. keep: start from them, not from noise."""

    token_ids: TokenIds
    keep: bool

    @classmethod
    def noise(cls, length: int) -> Self:
        return cls(np.zeros(length, np.int32), keep=False)


@dataclass(frozen=True, slots=True)
class Denoised:
    """A row at the end of its denoising. lengths: of its holes."""

    lengths: tuple[int, ...]
    state: RowState
    stop_reason: StopReason


class Batch:
    """Rows on their way. lengths: of each row's holes, in the batch's present order. free_count: free positions of all
    rows at the beginning."""

    def __init__(
        self, layout: Layout, lengths: list[tuple[int, ...]], hole: int, stepper: Stepper, *, hidden: int, free: int
    ) -> None:
        self._layout = layout
        self._hole = hole
        self._stepper = stepper
        self._hidden = hidden
        self.lengths = lengths
        self.free_count = free

    @classmethod
    def start(
        cls,
        layout: Layout,
        rows: Sequence[Sequence[Middle]],
        *,
        hole: int,
        hidden: int,
        seed: int,
        denoiser: Denoiser,
        context: Context,
        config: DenoiseConfig,
    ) -> Self:
        """Begin with rows that differ in a hole; the rest of each is the layout's. hidden: tokens after the hole that
        are free in the first step."""
        hidden = min(hidden, len(layout.clamped[hole + 1]))
        lengths = [tuple(len(middle.token_ids) for middle in row) for row in rows]
        whole = [layout.filled([m.token_ids for m in row], keep=[m.keep for m in row]) for row in rows]
        canvases = [_hide(canvas, layout.spans(own)[hole], hidden) for canvas, own in zip(whole, lengths, strict=True)]
        seeds = [_row_seed(seed, hole, number) for number in range(len(rows))]
        stepper = denoiser.start(context, canvases, seeds=seeds, config=config)
        free = sum(canvas.free_count for canvas in canvases)
        return cls(layout, lengths, hole, stepper, hidden=hidden, free=free)

    def step(self) -> BatchState:
        """Run one denoising step."""
        return self._stepper.step()

    def seam(self, state: RowState, lengths: Sequence[int]) -> float:
        """Mean log-probability, nats, that a step gives the hidden tokens where they belong; 0 where none are hidden.
        One that is not among the likeliest counts as a little less likely than those."""
        if not self._hidden:
            return 0.0
        end = self._layout.spans(lengths)[self._hole].stop
        places = slice(end, end + self._hidden)
        known = self._layout.clamped[self._hole + 1][: self._hidden, None]
        least = state.top_log_probs[places, -1] - _UNLISTED
        listed = np.where(state.top_ids[places] == known, state.top_log_probs[places], -np.inf).max(axis=1)
        return float(np.maximum(listed, least).mean())

    def follow(self, moves: Sequence[Move]) -> None:
        """Go on with some rows only, the hole of some of them cut to a shorter length. What is left of it goes on from
        where it was, with nothing hidden any more."""
        if [move.row for move in moves] != list(range(len(self.lengths))):
            self._stepper.keep([move.row for move in moves])
            self.lengths = [self.lengths[move.row] for move in moves]
        for row, move in enumerate(moves):
            if self._hidden or move.length is not None:
                self._cut(row, move.length or self.lengths[row][self._hole])
        self._hidden = 0

    def _cut(self, row: int, length: int) -> None:
        old = self.lengths[row]
        new = (*old[: self._hole], length, *old[self._hole + 1 :])
        dropped = self._layout.spans(old)[self._hole]
        carried = np.arange(sum(map(len, self._layout.clamped)) + sum(old), dtype=np.int32)
        carried = np.delete(carried, slice(dropped.start + length, dropped.stop))
        self._stepper.replace(row, self._layout.noisy(new), carried)
        self.lengths[row] = new


def _hide(canvas: Canvas, hole: slice, count: int) -> Canvas:
    """A canvas whose first tokens after a hole are free, too."""
    clamped = canvas.clamped.copy()
    clamped[hole.stop : hole.stop + count] = False
    return replace(canvas, clamped=clamped)


def _row_seed(seed: int, hole: int, number: int) -> int:
    """A seed for each row of each round, the same on every machine."""
    return zlib.crc32(f"{seed} {hole} {number}".encode())
