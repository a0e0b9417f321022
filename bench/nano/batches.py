"""Id arrays to training batches, each a function of its number alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from bench.nano import answers
from bench.nano.frames import BUDGET, LONG_BUDGET, Frames
from bench.nano.tokenizer import VOCABULARY_SIZE
from engine.train.objective import TrainingBatch
from engine.train.workers import Workers
from infill.prompt.window import WindowBudget

BatchKind: TypeAlias = Literal["plain", "copied", "framed", "long", "answered", "dense", "recalled"]

ROW = 512
PLAIN_ROWS = 8
FRAME_ROWS = 2
"""Of plain batches: frames read left to right."""
MIXED_ROWS = 6
LONG_ROWS = 3
ANSWER_ROWS = 5
CANVASES = 3
DENSE_ROWS = 8
DENSE_CONTEXT = 256
DENSE_CANVAS = 256
# A prime stride visits the rows of a corpus in a scattered order and each one once before any one twice.
_STRIDE = 1_000_003
_FULL_NOISE = 0.5
_OFFICIAL = 0.2
_LEVELS = (1e-4, 1 - 1e-4)
_LEAST_ORIGINAL = 32
_LEAST_PIECE = 4
_MEAN_PIECE = 20
_RANDOM_ORIGINALS = 0.5
_MEAN_HOLES = (1.5, 3.0, 6.0, 12.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batches:
    """Batches of plain code and frames.

    code: [N] uint16, the documents' ids one after the other. frames, long_frames: of requests, with contexts of usual
    length and longer ones. answers: canvases of answered questions. cycle: the kinds of batches of consecutive steps.
    """

    code: NDArray[np.uint16]
    frames: Frames
    long_frames: Frames
    answers: Frames
    cycle: tuple[BatchKind, ...]
    seed: int = 0

    def __call__(self, step: int, workers: Workers) -> TrainingBatch:
        """A worker's batch of a step."""
        index = step * workers.count + workers.rank
        kind = self.cycle[step % len(self.cycle)]
        return getattr(self, kind)(index)

    def plain(self, index: int) -> TrainingBatch:
        """Rows of `ROW` ids: code, and `FRAME_ROWS` of frames read left to right."""
        count = PLAIN_ROWS - FRAME_ROWS
        rows = [scattered_row(self.code, index * count + i, ROW) for i in range(count)]
        rows += [self._frame_row(index * FRAME_ROWS + i) for i in range(FRAME_ROWS)]
        return TrainingBatch.of_contexts(torch.from_numpy(np.stack(rows).astype(np.int64)))

    def copied(self, index: int) -> TrainingBatch:
        """Rows that repeat themselves. Heads that find what followed the last time, without which a small model cannot
        spell a name that the file has spelt before, form on them within a few hundred steps; on code alone they had
        not formed after as many."""
        return TrainingBatch.of_contexts(torch.from_numpy(self._repeating(index, PLAIN_ROWS, ROW)))

    def _repeating(self, index: int, count: int, length: int) -> NDArray[np.int64]:
        """[count, length] ids: an original, code or random ids, and after it pieces of it in any order."""
        rng = np.random.default_rng((self.seed, index, length))
        rows: list[NDArray[np.int64]] = []
        for _ in range(count):
            size = int(rng.integers(_LEAST_ORIGINAL, length // 2))
            start = rng.integers(len(self.code) - size)
            random = rng.integers(VOCABULARY_SIZE, size=size)
            original = random if rng.random() < _RANDOM_ORIGINALS else self.code[start : start + size].astype(np.int64)
            parts = [original]
            while sum(map(len, parts)) < length:
                piece = min(_LEAST_PIECE + int(rng.geometric(1 / (_MEAN_PIECE - _LEAST_PIECE))), size)
                start = int(rng.integers(size - piece + 1))
                parts.append(original[start : start + piece])
            rows.append(np.concatenate(parts)[:length])
        return np.stack(rows)

    def _frame_row(self, index: int) -> NDArray[np.uint16]:
        parts: list[NDArray[np.uint16]] = []
        frame = index * _STRIDE % len(self.frames)
        while sum(map(len, parts)) < ROW:
            parts += [self.frames.context(frame), self.frames.canvas(frame)]
            frame = (frame + 1) % len(self.frames)
        return np.concatenate(parts)[:ROW]

    def framed(self, index: int) -> TrainingBatch:
        """Frames with `CANVASES` canvases each over the same context: the frame's own holes; and others, either several
        short holes or, by the official recipe, all positions free."""
        return self._requests(self.frames, BUDGET, MIXED_ROWS, index)

    def long(self, index: int) -> TrainingBatch:
        """The same with longer contexts, for the positions that only these have."""
        return self._requests(self.long_frames, LONG_BUDGET, LONG_ROWS, index)

    def _requests(self, frames: Frames, budget: WindowBudget, count: int, index: int) -> TrainingBatch:
        rng = np.random.default_rng((self.seed, index))
        batch = own_holes(frames, rng.integers(len(frames), size=count).tolist(), budget)
        free, levels = _freed(batch.canvas_lengths.numpy(), budget.canvas, rng)
        free[:, 0] = batch.free[:, 0].numpy()
        levels[:, 0] = np.where(rng.random(count) < _FULL_NOISE, 1.0, rng.uniform(*_LEVELS, count))
        return replace(batch, free=torch.from_numpy(free), levels=torch.from_numpy(levels))

    def answered(self, index: int) -> TrainingBatch:
        """Answers to questions, by the official recipe: one canvas, all of its positions free, one level for them
        all."""
        rng = np.random.default_rng((self.seed, index))
        budget = WindowBudget(context=answers.MOST_CONTEXT, canvas=answers.CANVAS)
        indices = rng.integers(len(self.answers), size=ANSWER_ROWS).tolist()
        batch = own_holes(self.answers, indices, budget, canvases=1)
        return replace(batch, levels=torch.from_numpy(rng.uniform(*_LEVELS, size=(ANSWER_ROWS, 1))))

    def dense(self, index: int) -> TrainingBatch:
        """Plain code as a context and one long canvas with many holes: what a decoder learns most from in a given
        time."""
        length = DENSE_CONTEXT + DENSE_CANVAS
        rows = np.stack([scattered_row(self.code, index * DENSE_ROWS + i, length) for i in range(DENSE_ROWS)])
        return self._split(rows.astype(np.int64), index)

    def recalled(self, index: int) -> TrainingBatch:
        """Rows that repeat themselves, as contexts and canvases with many holes, to the same end as `copied`."""
        return self._split(self._repeating(index, DENSE_ROWS, DENSE_CONTEXT + DENSE_CANVAS), index)

    def _split(self, rows: NDArray[np.int64], index: int) -> TrainingBatch:
        """Rows as contexts and the canvases after them."""
        lengths = np.full((len(rows), 1), DENSE_CANVAS)
        free, levels = _freed(lengths, DENSE_CANVAS, np.random.default_rng((self.seed, index)))
        return TrainingBatch(
            context_ids=torch.from_numpy(rows[:, :DENSE_CONTEXT]),
            context_lengths=torch.full((len(rows),), DENSE_CONTEXT),
            canvas_ids=torch.from_numpy(rows[:, None, DENSE_CONTEXT:]),
            canvas_lengths=torch.from_numpy(lengths),
            free=torch.from_numpy(free),
            levels=torch.from_numpy(levels),
        )


def scattered_row(code: NDArray[np.uint16], index: int, length: int) -> NDArray[np.uint16]:
    """[length] of the ids of a corpus; consecutive indices have rows far from one another, each once in a round."""
    row = index * _STRIDE % (len(code) // length)
    return code[row * length : (row + 1) * length]


def own_holes(
    frames: Frames, indices: list[int], budget: WindowBudget = BUDGET, *, canvases: int = CANVASES
) -> TrainingBatch:
    """Frames as a batch; the first canvas of each has its own holes free, in full noise, the others none."""
    context = np.zeros((len(indices), budget.context), np.int64)
    canvas = np.zeros((len(indices), canvases, budget.canvas), np.int64)
    free = np.zeros(canvas.shape, np.bool_)
    for row, index in enumerate(indices):
        ids, filled = frames.context(index), frames.canvas(index)
        context[row, : len(ids)] = ids
        canvas[row, :, : len(filled)] = filled
        free[row, 0, : len(filled)] = frames.free(index)
    lengths = torch.tensor([len(frames.canvas(index)) for index in indices])
    return TrainingBatch(
        context_ids=torch.from_numpy(context),
        context_lengths=torch.tensor([len(frames.context(index)) for index in indices]),
        canvas_ids=torch.from_numpy(canvas),
        canvas_lengths=lengths[:, None].expand(-1, canvases),
        free=torch.from_numpy(free),
        levels=torch.ones(len(indices), canvases),
    )


def _freed(
    lengths: NDArray[np.int64], width: int, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Free positions [B, K, width] and levels [B, K] of canvases: short holes, or all positions and any level."""
    free = np.zeros((*lengths.shape, width), np.bool_)
    levels = rng.uniform(*_LEVELS, size=lengths.shape)
    for row, k in np.ndindex(*lengths.shape):
        if rng.random() < _OFFICIAL:
            free[row, k, : lengths[row, k]] = True
            continue
        free[row, k, : lengths[row, k]] = _short_holes(int(lengths[row, k]), rng)
        if rng.random() < _FULL_NOISE:
            levels[row, k] = 1.0
    return free, levels


def _short_holes(length: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """[length] with runs of free positions, all about as long, and about two fifths of them all."""
    free = np.zeros(length, np.bool_)
    wanted, mean = rng.uniform(0.2, 0.6) * length, rng.choice(_MEAN_HOLES)
    while free.sum() < wanted:
        start = rng.integers(length)
        free[start : start + rng.geometric(1 / mean)] = True
    return free
