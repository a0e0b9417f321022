"""How long a hole is, which nobody knows: the one place that decides it.

Holes of several lengths are denoised side by side. After a step or two a length that does not belong shows: the model
is less sure than it should be in a hole of that length, or fills what is too much with a copy of what follows. Lengths
are tokens; nothing here knows a text or runs a model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from engine.canvas import Floats

# Of the length of what is replaced: an edit shortens a little or adds something.
_REPLACED = (0.5, 0.75, 1.0, 1.25, 1.6, 2.2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What one denoising step shows of a row's hole.

    entropy: [N] nats, of its tokens. kept: how many of them, from the first, the reading keeps once it is cut to what
    belongs in the hole; all where nothing of it does. seam: nats, the mean log-probability of the hidden tokens after
    it, 0 where none were. settled: the row is done.
    """

    entropy: Floats
    kept: int
    seam: float = 0.0
    settled: bool = False

    @property
    def length(self) -> int:
        return len(self.entropy)


@dataclass(frozen=True, slots=True)
class Move:
    """A row of the batch that goes on. length: what its hole is cut to from its end, None where it stays as it is."""

    row: int
    length: int | None = None


class Lengths(Protocol):
    """Decides over the lengths of one hole, step by step; `Ladder` is the one in use."""

    @property
    def hidden(self) -> int:
        """Tokens after the hole that the first step is not to see, so that a row's `Sight` can tell its `seam`."""
        ...

    def first(self, mode: Literal["line", "block"], *, present: int, room: int) -> tuple[int, ...]:
        """Lengths to start with, ascending. present: tokens that stand in the hole now, 0 where it is empty. room: the
        most there can be, at least 1."""
        ...

    def guess(self, mode: Literal["line", "block"], *, room: int) -> int:
        """The length of an empty hole that waits while another one's is searched."""
        ...

    def following(self, step: int, sights: Sequence[Sight]) -> tuple[Move, ...]:
        """The rows to go on with after a step (counted from 1), in their order."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """Lengths from short to long, of which the most fitting go on.

    line, block: the lengths for an empty hole; where a text is replaced, they lie around its own, which is among them.
    survivors: rows that go on after the first step, after the second, and so on; the last number holds from there on.
    corrected: whether fitness is measured against what is usual at each length. contracted: whether a hole is cut to
    what its reading keeps. hidden: tokens after the hole that the first step is not to see. seam: nats of fitness for
    a nat of their log-probability.
    """

    line: tuple[int, ...] = (1, 2, 3, 5, 8, 13, 20)
    block: tuple[int, ...] = (8, 16, 28, 44, 64, 96)
    survivors: tuple[int, ...] = (4, 2)
    corrected: bool = True
    contracted: bool = True
    hidden: int = 2
    seam: float = 1.0

    def first(self, mode: Literal["line", "block"], *, present: int, room: int) -> tuple[int, ...]:
        empty = self.line if mode == "line" else self.block
        steps = tuple(round(present * x) for x in _REPLACED) if present else empty
        return tuple(sorted({min(max(step, 1), room) for step in steps}))

    def guess(self, mode: Literal["line", "block"], *, room: int) -> int:
        # Short, as most holes are.
        steps = self.line if mode == "line" else self.block
        return min(steps[len(steps) // 3], room)

    def following(self, step: int, sights: Sequence[Sight]) -> tuple[Move, ...]:
        count = self.survivors[min(step, len(self.survivors)) - 1]
        sureness = fitness(sights, corrected=self.corrected)
        fits = [sure + self.seam * sight.seam for sure, sight in zip(sureness, sights, strict=True)]
        best = sorted(range(len(sights)), key=fits.__getitem__, reverse=True)[:count]
        return tuple(self._move(row, sights[row]) for row in sorted(best))

    def _move(self, row: int, sight: Sight) -> Move:
        cut = self.contracted and not sight.settled and 0 < sight.kept < sight.length
        return Move(row, sight.kept if cut else None)


@dataclass(frozen=True, slots=True)
class Given:
    """One length, known from elsewhere."""

    length: int
    hidden: int = 0

    def first(self, mode: Literal["line", "block"], *, present: int, room: int) -> tuple[int, ...]:
        return (min(self.length, room),)

    def guess(self, mode: Literal["line", "block"], *, room: int) -> int:
        return min(self.length, room)

    def following(self, step: int, sights: Sequence[Sight]) -> tuple[Move, ...]:
        return tuple(map(Move, range(len(sights))))


def fitness(sights: Sequence[Sight], *, corrected: bool) -> list[float]:
    """How well each row's length fits, nats, higher is better: how sure the model is of its tokens.

    A longer hole is always less sure. Corrected, only what a row's mean entropy departs from the line through all rows'
    over the logarithm of their lengths counts (Source: the per-instance regression of arXiv 2602.07546).
    """
    sureness = np.array([-sight.entropy.mean() for sight in sights])
    logs = np.log([sight.length for sight in sights])
    if not corrected or len(set(logs.tolist())) < 3:
        return sureness.tolist()
    slope, level = np.polyfit(logs, sureness, 1)
    return (sureness - slope * logs - level).tolist()
