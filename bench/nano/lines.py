"""Lines of a text as spans of code points; a line's end is "\\n" and belongs to no span."""

from __future__ import annotations

import re

from infill.request import Span


def line_starts(text: str) -> list[int]:
    """Where each line begins."""
    return [0, *(match.end() for match in re.finditer("\n", text))]


def line_of(text: str, position: int) -> Span:
    """The line at a position, its indentation included."""
    return Span(start=text.rfind("\n", 0, position) + 1, end=line_end(text, position))


def line_end(text: str, position: int) -> int:
    """Where the line at a position ends."""
    end = text.find("\n", position)
    return len(text) if end < 0 else end


def written(text: str, span: Span) -> Span:
    """A span without the blanks at its ends."""
    held = text[span.start : span.end]
    start = span.start + len(held) - len(held.lstrip())
    return Span(start=start, end=max(start, span.start + len(held.rstrip())))


def lines_from(text: str, position: int, count: int) -> Span:
    """`count` lines from that at a position, as far as there are so many: from the first letter to the last one."""
    first = line_of(text, position)
    end = first.end
    for _ in range(count - 1):
        end = line_end(text, min(end + 1, len(text)))
    return written(text, Span(start=first.start, end=end))


def lines_above(text: str, position: int, count: int) -> Span:
    """The `count` lines above that at a position, as far as there are so many."""
    start = end = line_of(text, position).start
    for _ in range(count):
        start = text.rfind("\n", 0, max(start - 1, 0)) + 1
    return Span(start=start, end=end)
