"""From a selection to the hole that a rewrite fills: what is selected, without the blanks around it.

What stays outside is kept to the byte: the first line's indentation, the last one's end, and the marks of a fence in
Markdown. Looks at no more of the document than a parser needs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dgemma_lsp.documents.lines import Place, content_length, text_between
from dgemma_lsp.documents.window import Range, parsed_lines, readable
from infill.syntax.statements import enclosing_statement

FENCE = re.compile(r"\s*(`{3,}|~{3,})")


def selected_hole(lines: Sequence[str], start: Place, end: Place, language: str) -> Range:
    """The hole of a selection, within it. One that ends at the beginning of a line does not touch that line; an empty
    one means the statement it stands in, or its line where no grammar tells, or what a fence holds where it stands on
    its mark; blanks are a place to write at.

    language: the name of a fence's language.
    """
    if start == end and language == "markdown" and FENCE.match(lines[start.line]):
        return _fenced(lines, start.line)
    if start == end:
        return _statement(lines, start, language)
    if end.column == 0 and end.line > start.line:
        end = _line_end(lines, end.line - 1)
    if language == "markdown":
        start, end = _inside_fence(lines, *_stripped(lines, start, end))
    return _stripped(lines, start, end)


def _statement(lines: Sequence[str], at: Place, language: str) -> Range:
    """The statement that a place stands in."""
    start, end = _stripped(lines, Place(at.line, 0), _line_end(lines, at.line))
    if start == end:
        return start, end
    near = parsed_lines(lines, at.line)
    if not near:
        return start, end
    # Beside a line's text stands nothing but what holds several lines.
    within = min(max(at, start), Place(end.line, end.column - 1))
    before = text_between(lines, Place(near[0], 0), within)
    text = before + text_between(lines, within, Place(near[-1], len(lines[near[-1]])))
    statement = enclosing_statement(readable(text), len(before), language)
    if statement is None:
        return start, end
    return _stripped(lines, *(_after(lines, Place(near[0], 0), offset) for offset in (statement.start, statement.end)))


def _stripped(lines: Sequence[str], start: Place, end: Place) -> Range:
    """The range without blanks at its ends; its end where there is nothing else."""
    text = text_between(lines, start, end)
    if not text.strip():
        return end, end
    left = text[: len(text) - len(text.lstrip())]
    right = text[: len(text.rstrip())]
    return _after(lines, start, len(left)), _after(lines, start, len(right))


def _inside_fence(lines: Sequence[str], start: Place, end: Place) -> Range:
    """The range without the lines of fences that it begins or ends on."""
    if FENCE.match(lines[start.line]) and start.line < end.line:
        start = Place(start.line + 1, 0)
    if FENCE.match(lines[end.line]) and start.line < end.line:
        end = _line_end(lines, end.line - 1)
    return start, end


def _fenced(lines: Sequence[str], mark: int) -> Range:
    """What stands between the two lines of a fence, one of which is given."""
    fences = [number for number, line in enumerate(lines) if FENCE.match(line)]
    opening = fences.index(mark) // 2 * 2
    first, past = fences[opening], [*fences, len(lines)][opening + 1]
    return _stripped(lines, _line_end(lines, first), _line_end(lines, past - 1))


def _line_end(lines: Sequence[str], line: int) -> Place:
    return Place(line, content_length(lines[line]))


def _after(lines: Sequence[str], start: Place, count: int) -> Place:
    """The place so many code points after another."""
    line, column = start.line, start.column + count
    while column >= len(lines[line]) and line + 1 < len(lines):
        column -= len(lines[line])
        line += 1
    return Place(line, column)
