"""Joints: what ends the left side of a hole, and what begins the line that its right side ends, whatever else may stand
in the hole.

Brackets, quotes and indentation say what is tried, a parser which of it is whole. Lines end in "\\n" here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import product

from infill.syntax.brackets import LINE_QUOTES, closing, lacking, opening
from infill.syntax.parser import error_count
from infill.text.lines import OPENERS, margin_of, near_margins, step_of

_WORD = re.compile(r"\w+")
# Words with which lines begin elsewhere, the nearest, that are tried as the beginning of this one.
_MOST_WORDS = 8
_MOST_MARGINS = 3
# What may stand before closed brackets, before opened ones, and between the two.
_CLOSED = ("", "x", "+ x", ", x")
_OPENED = ("x = ", "", "x", "if ", "if x", "raise x", "return ", "x, ")
_BETWEEN = (", ", ": ", " % ", " + ", "; ")
# Lines before a hole whose brackets it may close: where braces open blocks, only its own.
_LINES_OPEN = {"python": 30}


def bracketed(before: str, after: str, language: str) -> Iterator[str]:
    """Pieces of code that close what a left side leaves open and open what its right side closes, where the outermost
    brackets of both are each other's; none where nothing is left to close or to open."""
    closers, openers = lacking(before, after)
    quote = closing(before.rpartition("\n")[2])[:1]
    closers = (quote if quote in LINE_QUOTES else "") + closers
    if closers and openers:
        yield from (f"x{closers}{between}{openers}" for between in _BETWEEN)
    elif closers:
        # What may end a header or a statement stands behind them.
        marks = (":",) if language == "python" else (";", " {")
        yield from (f"{piece}{closers}{mark}" for piece, mark in product(_CLOSED, ("", ",", *marks)))
    elif openers:
        yield from (beginning + openers for beginning in _OPENED)


def over_lines(before: str, after: str, language: str) -> Iterator[str]:
    """Pieces of code over two lines, the first of which ends what stands on the left, and the second of which begins
    what stands on the right."""
    names = ("x", "")
    ends = [name + end for name in names for end in best_ends(before + name, language, count=2)]
    heads = [head + name for name in names for head in best_heads(before, name + after, language, count=2)]
    yield from (f"{end}\n{head}" for end, head in product(ends, heads))


def best_ends(before: str, language: str, *, count: int) -> list[str]:
    """What may end a left side: nothing, or what closes it, perhaps with the mark of a header or a statement; those
    first that leave the fewest errors."""
    lines = before.split("\n")
    closers = closing("\n".join(lines[-_LINES_OPEN.get(language, 1) :]))
    marks = ("", ":", "():", " = x") if language == "python" else ("", ";", " {")
    ordered = sorted((closers + mark for mark in marks), key=lambda end: error_count(f"{before}{end}\n", language))
    return list(dict.fromkeys(["", *ordered]))[:count]


def best_heads(before: str, after: str, language: str, *, count: int) -> list[str]:
    """How the line may begin that a right side ends: with what opens the brackets and quotes that it closes, or where
    that leaves errors, as a line elsewhere does that opens as much; those first that leave the fewest."""

    def errors(head: str) -> int:
        return error_count(head + after, language)

    margins, opened = _margins(before, after)[:_MOST_MARGINS], opening(after, language)
    heads = _indented(after, margins, [opened])
    if all(map(errors, heads)):
        lines = [line.strip() for line in (*reversed(before.split("\n")), *after.split("\n"))]
        heads += _indented(after, margins[:1], _begun(lines, opened))
    return sorted(dict.fromkeys(heads), key=errors)[:count]


def _margins(before: str, after: str) -> list[str]:
    """The margins that a line may have which ends with the right side: as far in as the next line, or a step less where
    it opens what that stands in, and those of other lines near it."""
    near = near_margins(before, after)
    if after.partition("\n")[0].rstrip().endswith(OPENERS):
        near = [margin.removesuffix(step_of(margin)) for margin in near[:1]] + near
    return list(dict.fromkeys(near))


def _indented(after: str, margins: Iterable[str], beginnings: Iterable[str]) -> list[str]:
    """Beginnings of a line with these margins, less the blanks that the rest of the line brings."""
    blanks = margin_of(after)
    return [
        margin + beginning if beginning else margin[len(blanks) :]
        for beginning, margin in product(beginnings, margins)
        if beginning or margin.startswith(blanks)
    ]


def _begun(lines: Iterable[str], opened: str) -> list[str]:
    """How the nearest lines begin that open the same bracket or quote first, or where there is none to open, up to
    their first blank; one of each first word."""
    mark = opened[:1] or " "
    begun: dict[str, str] = {}
    for line in lines:
        beginning, found, _ = line.partition(mark)
        if found and (word := _WORD.match(beginning)):
            begun.setdefault(word[0], beginning + mark + opened[1:])
    return list(begun.values())[:_MOST_WORDS]
