"""How far a load is, in words: bytes, and the seconds it will still take at the pace it has had."""

from __future__ import annotations

import time
from collections.abc import Callable

INTERVAL_S = 0.25
"""A load has thousands of steps, and every change is told to every window."""

GB = 10**9
MB = 10**6


class LoadMeter:
    """Tells `report` what is going on, a few times a second. clock: seconds."""

    def __init__(
        self, report: Callable[[str, float | None], None], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._report = report
        self._clock = clock
        self._what = ""
        self._began_s = 0.0
        self._told_s = 0.0

    def show(self, what: str, done: int, total: int) -> None:
        """So many bytes of `what` are done; another `what` than before starts anew."""
        now = self._clock()
        if what != self._what:
            self._what, self._began_s, self._told_s = what, now, now - INTERVAL_S
        if now - self._told_s < INTERVAL_S and done < total:
            return
        self._told_s = now
        self._report(described(what, done, total, now - self._began_s), done / total)


def described(what: str, done: int, total: int, elapsed_s: float) -> str:
    """One line for the user: `Reading the weights: 3.2 of 14.6 GB, 8 s left`."""
    unit, name = (GB, "GB") if total >= GB else (MB, "MB")
    line = f"{what}: {done / unit:.1f} of {total / unit:.1f} {name}"
    # Before a second has gone by, what is left is a guess.
    if done and elapsed_s >= 1 and done < total:
        left_s = elapsed_s * (total - done) / done
        line += f", {left_s / 60:.0f} min left" if left_s >= 120 else f", {left_s:.0f} s left"
    return line
