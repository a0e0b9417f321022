"""How long a hole is, which nobody knows: the one place that decides it.

Holes of several lengths are denoised side by side, all of them to the end: which of them fits shows in the finished
texts, and hardly before (`bench/README.md` has the figures). Only what a hole holds beyond its text, a copy of what
follows for instance, is cut off on the way. Lengths are tokens; nothing here knows a text or runs a model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from infill.mode import HoleMode

# Of the length of what is replaced: an edit shortens a little or adds something.
_REPLACED = (0.5, 0.75, 1.0, 1.25, 1.6, 2.2)


class Lengths(Protocol):
    """Decides over the lengths of one hole; `Ladder` is the one in use.

    exact: how many tokens a text in the hole has, None where nobody knows.
    """

    @property
    def exact(self) -> int | None: ...

    def first(self, mode: HoleMode, *, present: int, room: int) -> tuple[int, ...]:
        """Lengths to start with, ascending; one that stands there twice is tried twice, from other noise. present:
        tokens that stand in the hole now, 0 where it is empty. room: the most there can be, at least 1."""
        ...

    def next(self, length: int, kept: int) -> int:
        """The length to go on with after a step, at most what it was. kept: how many of the hole's tokens, from the
        first, its reading keeps once it is cut to what belongs there; all where nothing of it does."""
        ...


def fits(length: int, *, exact: int | None, room: int) -> bool:
    """Whether a text of this many tokens may stand in a hole. exact: see `Lengths`. room: the most there can be."""
    return length <= room if exact is None else length == exact


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """Lengths from short to long.

    within, line, block, across: the lengths for an empty hole of each mode, ascending; where a text is replaced, they
        lie around its own, which is among them.
    contracted: whether a hole is cut to what its reading keeps.
    """

    within: tuple[int, ...] = (1, 2, 2, 2, 3, 3, 4, 5, 6, 12)
    line: tuple[int, ...] = (2, 2, 2, 3, 3, 3, 4, 5, 8, 18)
    block: tuple[int, ...] = (8, 16, 32, 56, 96)
    across: tuple[int, ...] = (3, 4, 5, 6, 7, 8, 10, 12, 16, 24)
    contracted: bool = True

    @property
    def exact(self) -> None:
        return None

    def first(self, mode: HoleMode, *, present: int, room: int) -> tuple[int, ...]:
        empty: tuple[int, ...] = getattr(self, mode)
        steps = tuple(sorted({max(round(present * x), 1) for x in _REPLACED})) if present else empty
        fitting = tuple(step for step in steps if step < room)
        return fitting if len(fitting) == len(steps) else (*fitting, room)

    def next(self, length: int, kept: int) -> int:
        return max(kept, 1) if self.contracted else length


@dataclass(frozen=True, slots=True)
class Given:
    """One length, known from elsewhere."""

    length: int

    @property
    def exact(self) -> int:
        return self.length

    def first(self, mode: HoleMode, *, present: int, room: int) -> tuple[int, ...]:
        return (min(self.length, room),)

    def next(self, length: int, kept: int) -> int:
        return length
