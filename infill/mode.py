"""Line or block: whether a hole is filled to the end of its line or with whole lines."""

from __future__ import annotations

from typing import Literal

from infill.passage import to_line_feeds
from infill.request import InfillRequest, Span

# A line that ends so goes on below it.
_BLOCK_OPENERS = ("{", "(", "[", ":", "->", "=>", " do", " then")
# Code points on either side that are looked at; a line longer than this has text on it, and that is all one asks.
_REACH = 512


def resolve_mode(request: InfillRequest) -> Literal["line", "block"]:
    """The request's mode; "auto" is decided from the text around its holes, "block" where any of them wants it."""
    if request.mode != "auto":
        return request.mode
    wants_block = request.instruction is not None or any(_wants_block(request.text, hole) for hole in request.holes)
    return "block" if wants_block else "line"


def goes_on(text: str, end: int) -> bool:
    """Whether there is text after a hole on its line."""
    return bool(to_line_feeds(text[end : end + _REACH]).partition("\n")[0].strip())


def _wants_block(text: str, hole: Span) -> bool:
    """A replaced text stays of its kind. Something is inserted into a line that goes on after the hole, or is under
    way before it; a blank line, or one that opens a block, is followed by whole lines."""
    if hole.start < hole.end:
        return "\n" in to_line_feeds(text[hole.start : hole.end])
    left = to_line_feeds(text[max(hole.start - _REACH, 0) : hole.start]).rpartition("\n")[2].strip()
    return not goes_on(text, hole.end) and (not left or left.endswith(_BLOCK_OPENERS))
