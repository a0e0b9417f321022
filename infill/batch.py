"""Rows of one layout that are denoised side by side and differ in the length of a hole.

Knows how a hole's new length becomes a canvas; which length that should be is decided elsewhere.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from engine.canvas import BatchState, Context, DenoiseConfig, Denoiser, Flags, RowState, Stepper, TokenIds
from infill.layout import Layout
from infill.request import StopReason


@dataclass(frozen=True, slots=True)
class Middle:
    """A hole's tokens in a row to denoise. kept: [N], which of them denoising starts from, and not from noise."""

    token_ids: TokenIds
    kept: Flags

    @classmethod
    def noise(cls, length: int) -> Self:
        return cls(np.zeros(length, np.int32), np.zeros(length, np.bool_))

    @classmethod
    def of(cls, token_ids: TokenIds) -> Self:
        """All of these."""
        return cls(token_ids, np.ones(len(token_ids), np.bool_))

    def noisier(self, share: float, seed: int) -> Self:
        """Without about this share of them."""
        return replace(self, kept=self.kept & (np.random.default_rng(seed).random(len(self.kept)) >= share))


@dataclass(frozen=True, slots=True)
class Denoised:
    """A row at the end of its denoising. lengths: of its holes."""

    lengths: tuple[int, ...]
    state: RowState
    stop_reason: StopReason


class Batch:
    """Rows on their way. lengths: of each row's holes. free_count: free positions of all rows at the beginning."""

    def __init__(
        self, layout: Layout, lengths: list[tuple[int, ...]], hole: int, stepper: Stepper, *, free_count: int
    ) -> None:
        self._layout = layout
        self._hole = hole
        self._stepper = stepper
        self.lengths = lengths
        self.free_count = free_count

    @classmethod
    def start(
        cls,
        layout: Layout,
        rows: Sequence[Sequence[Middle]],
        *,
        hole: int,
        seed: int,
        denoiser: Denoiser,
        context: Context,
        config: DenoiseConfig,
    ) -> Self:
        """Begin with rows that differ in a hole; the rest of each is the layout's."""
        lengths = [tuple(len(middle.token_ids) for middle in row) for row in rows]
        canvases = [layout.filled([m.token_ids for m in row], kept=[m.kept for m in row]) for row in rows]
        seeds = [row_seed(seed, hole, number) for number in range(len(rows))]
        stepper = denoiser.start(context, canvases, seeds=seeds, config=config)
        return cls(layout, lengths, hole, stepper, free_count=sum(canvas.free_count for canvas in canvases))

    def step(self) -> BatchState:
        """Run one denoising step."""
        return self._stepper.step()

    def cut(self, row: int, length: int) -> None:
        """Cut a row's hole to a shorter length. What is left of it goes on from where it was."""
        old = self.lengths[row]
        if length == old[self._hole]:
            return
        new = (*old[: self._hole], length, *old[self._hole + 1 :])
        dropped = self._layout.spans(old)[self._hole]
        carried = np.arange(sum(map(len, self._layout.clamped)) + sum(old), dtype=np.int32)
        carried = np.delete(carried, slice(dropped.start + length, dropped.stop))
        self._stepper.replace(row, self._layout.noisy(new), carried)
        self.lengths[row] = new


def row_seed(seed: int, hole: int, number: int) -> int:
    """A seed for each row of each round, the same on every machine."""
    return zlib.crc32(f"{seed} {hole} {number}".encode())
