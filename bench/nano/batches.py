"""Id arrays to training batches, each a function of its number alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bench.nano.frames import BUDGET, Frames
from engine.train.objective import Batch
from engine.train.workers import Workers

ROW = 512
PLAIN_ROWS = 4
MIXED_ROWS = 4
CANVASES = 3
# A prime stride visits the rows of a corpus in a scattered order and each one once before any one twice.
_STRIDE = 1_000_003
_FULL_NOISE = 0.5
_OFFICIAL = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Batches:
    """Batches of plain code and frames.

    code: [N] uint16, the documents' ids one after the other. mixed_every: every so many-th step shows canvases; 1 for
    all steps.
    """

    code: NDArray[np.uint16]
    frames: Frames
    mixed_every: int
    seed: int = 0

    def __call__(self, step: int, workers: Workers) -> Batch:
        """A worker's batch of a step."""
        index = step * workers.count + workers.rank
        return self.mixed(index) if step % self.mixed_every == self.mixed_every - 1 else self.plain(index)

    def plain(self, index: int) -> Batch:
        """Rows of `ROW` ids: half of them code, half of them frames read left to right."""
        half = PLAIN_ROWS // 2
        rows = [self._code_row(index * half + i) for i in range(half)]
        rows += [self._frame_row(index * half + i) for i in range(PLAIN_ROWS - half)]
        return Batch.of_contexts(torch.from_numpy(np.stack(rows).astype(np.int64)))

    def _code_row(self, index: int) -> NDArray[np.uint16]:
        row = index * _STRIDE % (len(self.code) // ROW)
        return self.code[row * ROW : (row + 1) * ROW]

    def _frame_row(self, index: int) -> NDArray[np.uint16]:
        parts: list[NDArray[np.uint16]] = []
        frame = index * _STRIDE % len(self.frames)
        while sum(map(len, parts)) < ROW:
            parts += [self.frames.context(frame), self.frames.canvas(frame)]
            frame = (frame + 1) % len(self.frames)
        return np.concatenate(parts)[:ROW]

    def mixed(self, index: int) -> Batch:
        """Frames with `CANVASES` canvases each over the same context: the frame's own hole; and others, either several
        short holes or, by the official recipe, all positions free."""
        rng = np.random.default_rng((self.seed, index))
        indices = rng.integers(len(self.frames), size=MIXED_ROWS)
        batch = own_holes(self.frames, indices.tolist())
        free = batch.free.numpy().copy()
        levels = rng.uniform(1e-4, 1 - 1e-4, size=free.shape[:2])
        levels[rng.random(levels.shape) < _FULL_NOISE] = 1.0
        for row, k in np.ndindex(*free.shape[:2]):
            length = int(batch.canvas_lengths[row, k])
            if k and rng.random() < _OFFICIAL:
                free[row, k, :length] = True
                levels[row, k] = rng.uniform(1e-4, 1 - 1e-4)
            elif k:
                free[row, k, :length] = _short_holes(length, rng)
        return Batch(
            context_ids=batch.context_ids,
            context_lengths=batch.context_lengths,
            canvas_ids=batch.canvas_ids,
            canvas_lengths=batch.canvas_lengths,
            free=torch.from_numpy(free),
            levels=torch.from_numpy(levels),
        )


def own_holes(frames: Frames, indices: list[int]) -> Batch:
    """Frames as a batch; the first canvas of each has its own hole free, in full noise, the others none."""
    context = np.zeros((len(indices), BUDGET.context), np.int64)
    canvas = np.zeros((len(indices), CANVASES, BUDGET.canvas), np.int64)
    free = np.zeros(canvas.shape, np.bool_)
    for row, index in enumerate(indices):
        ids, filled = frames.context(index), frames.canvas(index)
        context[row, : len(ids)] = ids
        canvas[row, :, : len(filled)] = filled
        start, stop = frames.holes[index]
        free[row, 0, start:stop] = True
    lengths = torch.tensor([len(frames.canvas(index)) for index in indices])
    return Batch(
        context_ids=torch.from_numpy(context),
        context_lengths=torch.tensor([len(frames.context(index)) for index in indices]),
        canvas_ids=torch.from_numpy(canvas),
        canvas_lengths=lengths[:, None].expand(-1, CANVASES),
        free=torch.from_numpy(free),
        levels=torch.ones(len(indices), CANVASES),
    )


def _short_holes(length: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """[length] with a few runs of free positions, about two fifths of them all."""
    free = np.zeros(length, np.bool_)
    wanted = rng.uniform(0.2, 0.6) * length
    while free.sum() < wanted:
        start = rng.integers(length)
        free[start : start + 1 + rng.geometric(1 / 8)] = True
    return free
