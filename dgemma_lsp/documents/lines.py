"""Text as a list of lines, cheap to edit in the middle of a large document.

A line ends with LF, CRLF or a lone CR, as in LSP, and keeps its end; form feeds, vertical tabs, U+0085 and U+2028 are
ordinary characters. Invariant: joined, the lines are the text; every line but the last has an end, the last has none.
Columns are code points; knows no LSP and no encodings.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Between two code points of a text: `line` and `column` count from 0, in lines and code points."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class ReplacedLines:
    """What a change did: lines from `first` on were removed, and `added` others put there."""

    first: int
    removed: Sequence[str]
    added: int


def split_lines(text: str) -> list[str]:
    """The lines of `text`, ends included; at least one, and the last one has no end."""
    lines = list(io.StringIO(text, newline=""))
    if not lines or lines[-1].endswith(("\n", "\r")):
        lines.append("")
    return lines


def content_length(line: str) -> int:
    """Code points of `line` before its end."""
    if line.endswith("\r\n"):
        return len(line) - 2
    return len(line) - line.endswith(("\n", "\r"))


def replace(lines: list[str], start: Place, end: Place, text: str) -> ReplacedLines:
    """Put `text` in place of what stands from `start` to `end`, changing `lines` itself.

    Both places lie within the content of their lines, so no replacement starts or ends inside a CRLF.
    """
    first = start.line
    changed = lines[first][: start.column] + text + lines[end.line][end.column :]
    if first > 0 and changed.startswith("\n") and lines[first - 1].endswith("\r"):
        # The lone CR before the change and the LF it now begins with have become one line end.
        first -= 1
        changed = lines[first] + changed
    renewed = split_lines(changed)
    if end.line + 1 < len(lines):
        # Only the last line of the document has no end.
        renewed.pop()
    replaced = ReplacedLines(first, lines[first : end.line + 1], len(renewed))
    lines[first : end.line + 1] = renewed
    return replaced


def text_between(lines: Sequence[str], start: Place, end: Place) -> str:
    """The text from `start` to `end`."""
    if start.line == end.line:
        return lines[start.line][start.column : end.column]
    return "".join(
        [lines[start.line][start.column :], *lines[start.line + 1 : end.line], lines[end.line][: end.column]]
    )
