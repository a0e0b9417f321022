"""Silence: whether a suggestion that nobody asked for is worth showing, all of it, its first line, or nothing.

What is asked for is always shown. Knows no model; a candidate's doubt is by how many nats the least likely of its lines
is unlikely.
"""

from __future__ import annotations

from infill.candidate import Reading
from infill.request import Rejection


def admitted(reading: Reading, most_doubt: float | None, *, added_errors: int, goes_on: bool) -> Reading | Rejection:
    """What of a reading may be shown. most_doubt: nats, None where everything may. added_errors: of syntax. goes_on:
    whether the line goes on after the reading, which its first line alone would then run into."""
    if most_doubt is None:
        return reading
    if added_errors:
        return Rejection(reason="breaks_syntax")
    if reading.doubt <= most_doubt:
        return reading
    first = None if goes_on else first_line(reading)
    return first if first and first.doubt <= most_doubt else Rejection(reason="low_confidence")


def first_line(reading: Reading) -> Reading | None:
    """A single hole's reading up to the end of its first line with text on it; None where no text comes after it."""
    text = reading.texts[0]
    lines = text[: len(text) - len(text.lstrip())].count("\n") + 1
    rest = text.split("\n")[lines:]
    return reading.cut(lines) if len(reading.texts) == 1 and any(map(str.strip, rest)) else None
