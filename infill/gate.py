"""Silence: whether a suggestion that nobody asked for is worth showing, all of it, its first line, or nothing.

What is asked for is always shown. Knows no model; a candidate's doubt is the entropy of its least certain token.
"""

from __future__ import annotations

from infill.candidate import Reading, first_line

MOST_DOUBT = 2.0
"""Nats of a candidate's least certain token up to which it is shown by default."""


def admitted(reading: Reading, most_doubt: float | None) -> Reading | None:
    """What of a reading may be shown; None for nothing. most_doubt: nats, None where everything may."""
    if most_doubt is None or reading.worst_entropy <= most_doubt:
        return reading
    first = first_line(reading)
    return first if first is not None and first.worst_entropy <= most_doubt else None
