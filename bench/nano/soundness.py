"""Whether what was made mechanically is still source code."""

from __future__ import annotations

import ast

from bench.nano.example import Example
from bench.nano.lines import line_of
from infill.request import Span
from infill.syntax.parser import error_count
from infill.text.languages import language_of

# What begins a line at the margin without beginning a statement.
_NO_STATEMENT = frozenset(" \t\n#)]}\"'")


def parses(example: Example) -> bool:
    """Whether an example's file with the answers in it parses: in Python the statement at its margin that holds the
    answers, elsewhere no worse than the file as it was."""
    request, solved = example.request, example.solved
    language = language_of(request.path, request.language_id)
    if language != "python":
        return error_count(solved, language) <= error_count(request.text, language)
    grown = len(solved) - len(request.text)
    place = statement_at_margin(solved, Span(start=request.holes[0].start, end=request.holes[-1].end + grown))
    try:
        ast.parse(solved[place.start : place.end])
    except (SyntaxError, ValueError):
        return False
    return True


def statement_at_margin(text: str, inner: Span) -> Span:
    """The statements without indentation, or the one, that hold a span."""
    start = line_of(text, inner.start).start
    while start > 0 and text[start : start + 1] in _NO_STATEMENT:
        start = line_of(text, start - 1).start
    end = min(line_of(text, inner.end).end + 1, len(text))
    while end < len(text) and text[end] in _NO_STATEMENT:
        end = min(line_of(text, end).end + 1, len(text))
    return Span(start=start, end=end)
