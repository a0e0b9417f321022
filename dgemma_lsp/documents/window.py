"""What the engine gets to see of a document: a window of lines around the holes, never a whole megabyte.

The window is cut at line boundaries, and its first line moves in steps of `STRIDE` lines, so that typing a line leaves
the beginning of the window, and with it the prefilled context, as it was. Looks at no more lines than the window holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import unquote

from dgemma_lsp.documents.lines import Place, text_between
from dgemma_lsp.documents.uri import split_uri
from infill.request import Span

STRIDE = 16
"""Lines. Enough that the window's beginning stays while a person writes a while, and small beside a window."""

PARSED = 50_000
"""Code points on either side of a line that a parser reads: a thousand lines of code. A megabyte takes a second."""

SURROGATES = re.compile("[\ud800-\udfff]")

Range: TypeAlias = tuple[Place, Place]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A part of a text. holes: code points into the window's own `text`. first_line: where it begins in the document,
    counted from 0."""

    text: str
    holes: tuple[Span, ...]
    first_line: int

    @property
    def prefix(self) -> str:
        """The text before the first hole."""
        return self.text[: self.holes[0].start]

    @property
    def middle(self) -> str:
        """What stands from the first hole to the end of the last."""
        return self.text[self.holes[0].start : self.holes[-1].end]

    @property
    def suffix(self) -> str:
        """The text after the last hole."""
        return self.text[self.holes[-1].end :]


def cut_window(lines: Sequence[str], holes: Sequence[Range], *, before: int, after: int) -> Window:
    """Cut the window around `holes` (sorted), with all that lies between them.

    before, after: code points of context at most, before the first hole and after the last; at least 1. Where the
    hole's own line is longer than that, it is cut inside.
    """
    start, end = holes[0][0], holes[-1][1]
    first = _first_line(lines, start, before)
    head = text_between(lines, Place(first, 0), start)[-before:]
    tail = text_between(lines, end, _last_place(lines, end, after))[:after]
    spans = tuple(
        Span(
            start=len(head) + len(text_between(lines, start, hole_start)),
            end=len(head) + len(text_between(lines, start, hole_end)),
        )
        for hole_start, hole_end in holes
    )
    return Window(text=readable(head + text_between(lines, start, end) + tail), holes=spans, first_line=first)


def parsed_lines(lines: Sequence[str], line: int) -> range:
    """The numbers of the lines around one that a parser is to read: none where that one alone is too long for it."""
    if len(lines[line]) > PARSED:
        return range(line, line)
    return range(_first_within(lines, line, PARSED), _last_within(lines, line, PARSED) + 1)


def _first_line(lines: Sequence[str], start: Place, budget: int) -> int:
    first = _first_within(lines, start.line, budget - start.column)
    stepped = -(-first // STRIDE) * STRIDE
    # Where lines are so long that few fit, a whole stride would leave nothing.
    return stepped if stepped + STRIDE <= start.line else first


def _last_place(lines: Sequence[str], end: Place, budget: int) -> Place:
    last = _last_within(lines, end.line, budget - (len(lines[end.line]) - end.column))
    return Place(last, len(lines[last]))


def _first_within(lines: Sequence[str], line: int, room: int) -> int:
    """The first of the lines above one, or it itself, that hold so many code points at most."""
    while line > 0 and (room := room - len(lines[line - 1])) >= 0:
        line -= 1
    return line


def _last_within(lines: Sequence[str], line: int, room: int) -> int:
    """The last of the lines below one, or it itself, that hold so many code points at most."""
    while line + 1 < len(lines) and (room := room - len(lines[line + 1])) >= 0:
        line += 1
    return line


def readable(text: str) -> str:
    """Put U+FFFD for lone surrogates: no tokenizer reads them, and one code point for another leaves all offsets."""
    try:
        # Much faster than looking for what is hardly ever there.
        text.encode()
    except UnicodeEncodeError:
        return SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text)
    return text


def prompt_path(uri: str, folders: Iterable[str]) -> str:
    """How a document is called in a prompt: its path below the workspace folder (a URI) it lies in, else its name."""
    path = unquote(split_uri(uri).path)
    roots = (unquote(split_uri(folder).path).rstrip("/") + "/" for folder in folders)
    root = max((root for root in roots if path.startswith(root)), key=len, default=path[: path.rfind("/") + 1])
    return readable(path[len(root) :])
