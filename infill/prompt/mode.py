"""Line or block: how far the text in a hole goes, within its line, to the end of it, or over whole lines."""

from __future__ import annotations

from typing import Literal, TypeAlias

from infill.request import InfillRequest, Span
from infill.text.passage import to_line_feeds

HoleMode: TypeAlias = Literal["within", "line", "block"]
"""within: a text in a line that goes on after it. line: to the end of a line. block: whole lines."""

# A line that ends so goes on below it.
_BLOCK_OPENERS = ("{", "(", "[", ":", "->", "=>", " do", " then")
# Code points on either side that are looked at; a line longer than this has text on it, and that is all one asks.
_REACH = 512


def resolve_mode(request: InfillRequest) -> HoleMode:
    """How far a request's holes go: where it asks for "auto" that is decided from the text around them, "block" where
    any of them wants it."""
    wanted = request.instruction is not None or any(_wants_block(request.text, hole) for hole in request.holes)
    if request.mode == "block" or (request.mode == "auto" and wanted):
        return "block"
    return "within" if all(goes_on(request.text, hole.end) for hole in request.holes) else "line"


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
