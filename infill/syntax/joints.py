"""Joints: what ends the left side of a hole, and what begins the line that its right side ends, whatever else may stand
in the hole.

Brackets, quotes and indentation say what is tried, a parser which of it is whole. Lines end in "\\n" here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import product, takewhile

from infill.syntax.brackets import LINE_QUOTES, OPENER, closing, loose, openings
from infill.syntax.parser import error_count
from infill.text.lines import OPENERS, margin_of, near_margins, step_of

_WORD = re.compile(r"\w+")
# Words with which lines begin elsewhere, the commonest, that are tried as the beginning of this one.
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
        yield from (f"{piece}{closers}{mark}" for piece, mark in product(_CLOSED, ("", ",", *_marks(language))))
    elif openers:
        yield from (beginning + openers for beginning in _OPENED)


def lacking(before: str, after: str) -> tuple[str, str]:
    """What closes the brackets that a left side opens and nothing closes, and what opens those that its right side
    closes and nothing opens, where the outermost brackets of both are each other's."""
    (_, opened), (closed, _) = loose(before), loose(after)
    pairs = zip(opened, reversed(closed), strict=False)
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == OPENER[pair[1]], pairs))
    openers = (OPENER[closer] for closer in reversed(closed[: len(closed) - shared]))
    return closing(opened[shared:]), "".join(openers)


def _marks(language: str) -> tuple[str, ...]:
    """What may end a header or a statement."""
    return (":",) if language == "python" else (";", " {")


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
    """How the line may begin that a right side ends: with what opens the brackets and quotes that it closes, as a line
    elsewhere does that opens as much, or behind a block's header; those first that leave the fewest errors, the simpler
    ones before others."""
    found: dict[str, int] = {}
    for heads in _heads(before, after, language):
        for head in heads:
            found[head] = error_count(head + after, language)
        if not all(found.values()):
            break
    return sorted(found, key=found.__getitem__)[:count]


def _heads(before: str, after: str, language: str) -> Iterator[Iterable[str]]:
    margins = _margins(before, after)[:_MOST_MARGINS]
    opened = list(openings(after, language))
    lines = [line.strip() for line in (*reversed(before.split("\n")), *after.split("\n"))]
    yield _indented(after, margins, opened)
    yield _indented(after, margins[:1], [head for opening in opened for head in _begun(lines, opening)])
    yield _in_blocks(after, margins, opened, "if x:" if language == "python" else "if (x) {")


def _margins(before: str, after: str) -> list[str]:
    """The margins that a line may have which ends with the right side: as far in as the next line, or a step less where
    it opens what that stands in, and those of other lines near it."""
    near = near_margins(before, after)
    if after.partition("\n")[0].rstrip().endswith(OPENERS):
        near = [margin.removesuffix(step_of(margin)) for margin in near[:1]] + near
    return list(dict.fromkeys(near))


def _indented(after: str, margins: Iterable[str], beginnings: Iterable[str]) -> Iterator[str]:
    """Beginnings of a line with these margins, less the blanks that the rest of the line brings."""
    blanks = margin_of(after)
    for beginning, margin in product(beginnings, margins):
        if beginning or margin.startswith(blanks):
            yield margin + beginning if beginning else margin[len(blanks) :]


def _begun(lines: Iterable[str], opening: str) -> list[str]:
    """How lines begin that open a bracket or a quote as the opening does; where it opens none, their first words."""
    mark = opening[:1] or " "
    begun = _commonest(line.partition(mark)[0] for line in lines if mark in line)
    return [beginning + mark + opening[1:] for beginning in begun]


def _in_blocks(after: str, margins: Iterable[str], beginnings: Sequence[str], header: str) -> Iterator[str]:
    """The same in a block behind a header."""
    for margin in margins:
        for head in _indented(after, [margin + step_of(margin)], beginnings):
            yield f"{margin}{header}\n{head}"


def _commonest(lines: Iterable[str]) -> list[str]:
    """Of each of the commonest first words the first line that begins with it."""
    first: dict[str, str] = {}
    count: Counter[str] = Counter()
    for line in lines:
        if match := _WORD.match(line):
            first.setdefault(match[0], line)
            count[match[0]] += 1
    return [first[word] for word, _ in count.most_common(_MOST_WORDS)]
