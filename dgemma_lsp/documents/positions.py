"""Positions of the protocol ↔ places in lines.

A position counts lines and, within a line, units of the negotiated encoding; a place counts code points. Only the line
in question is looked at, and where it is ASCII nothing has to be counted at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from lsprotocol import types

from dgemma_lsp.documents.lines import Place, content_length

PositionEncoding: TypeAlias = Literal["utf-8", "utf-16", "utf-32"]

UNIT_BYTES: dict[PositionEncoding, int] = {"utf-8": 1, "utf-16": 2, "utf-32": 4}
CODECS: dict[PositionEncoding, str] = {"utf-8": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}


def to_units(text: str, encoding: PositionEncoding) -> int:
    """Length of `text` in units of `encoding`. A lone surrogate, which JSON can carry, counts like its own encoding."""
    if encoding == "utf-32" or text.isascii():
        return len(text)
    return len(text.encode(CODECS[encoding], "surrogatepass")) // UNIT_BYTES[encoding]


def to_column(line: str, units: int, encoding: PositionEncoding) -> int:
    """Code points of `line` that lie wholly before `units`: inside a character means before it, and past the content
    of the line means its end."""
    low, high = 0, min(units, content_length(line))
    if encoding == "utf-32" or line.isascii():
        return high
    while low < high:
        # Each half is measured once, so a line of any length costs about one encoding of its head.
        middle = (low + high + 1) // 2
        size = to_units(line[low:middle], encoding)
        if size <= units:
            low, units = middle, units - size
        else:
            high = middle - 1
    return low


def to_position(lines: Sequence[str], place: Place, encoding: PositionEncoding) -> types.Position:
    """The position of a place, which lies in the content of its line."""
    return types.Position(place.line, to_units(lines[place.line][: place.column], encoding))


def to_place(lines: Sequence[str], line: int, units: int, encoding: PositionEncoding) -> Place:
    """The place of a position; past the last line means the end of the text."""
    if line >= len(lines):
        return Place(len(lines) - 1, len(lines[-1]))
    return Place(line, to_column(lines[line], units, encoding))
