"""How long a hole is, which nobody knows: the one place that decides it.

For now a ladder: holes of several lengths are denoised side by side, and the best reading wins. Lengths are tokens.
"""

from __future__ import annotations

from typing import Literal, Protocol

_LINE = (3, 5, 8, 12, 17, 24)
_BLOCK = (8, 16, 28, 44, 64, 96)
# Of the length of what is replaced: an edit shortens a little or adds something.
_REPLACED = (0.5, 0.75, 1.0, 1.25, 1.6, 2.2)


class Lengths(Protocol):
    """Decides which lengths to try for one hole; `ladder` is the one in use."""

    def __call__(self, mode: Literal["line", "block"], *, present: int, room: int) -> tuple[int, ...]:
        """Lengths to try, ascending. present: tokens that stand in the hole now, 0 where it is empty. room: the most
        there can be, at least 1."""
        ...


def ladder(mode: Literal["line", "block"], *, present: int, room: int) -> tuple[int, ...]:
    """Lengths from short to long; where a text is replaced, around its own, which is among them."""
    steps = (_LINE if mode == "line" else _BLOCK) if present == 0 else tuple(round(present * x) for x in _REPLACED)
    return tuple(sorted({min(max(step, 1), room) for step in steps}))


def first_guess(mode: Literal["line", "block"], *, room: int) -> int:
    """The length of an empty hole that waits while another is searched: short, as most holes are."""
    return min((_LINE if mode == "line" else _BLOCK)[1], room)
