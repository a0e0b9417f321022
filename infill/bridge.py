"""Bridges: texts for an empty hole whose sides belong to different lines. They close what the first side leaves open,
and begin a line that the second may end.

A parser is asked what the sides want; nothing here knows a model.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from operator import itemgetter

from infill.brackets import comment_mark, openings
from infill.indentation import OPENERS, margin_of, step_of
from infill.repair import last_lines, tail
from infill.syntax import error_count

_WORD = re.compile(r"\w+")
# Of blocks that go on with other blocks, which may well stand alone in a window.
_HEADERS = ("try:", "try {")
# Words with which lines begin elsewhere, the commonest, that are tried as the beginning of this one.
_MOST_WORDS = 12


def bridges(before: str, after: str, language: str, *, lines: Sequence[str]) -> Iterator[str]:
    """Texts for the hole, those first whose sides, each by itself, break the least. before, after: the statements
    around it. lines: of all that is shown, the nearest first."""
    ends = [(error_count(f"{before}{end}\n", language), end) for end in _ends(before, language)]
    heads: list[tuple[int, str]] = []
    for tried in _heads(after, language, [line.strip() for line in lines]):
        heads += ((error_count(head + after, language), head) for head in tried)
        if not all(errors for errors, _ in heads):
            break
    pairs = [(left + right, f"{end}\n{head}") for (left, end), (right, head) in product(ends, heads)]
    return (text for _, text in sorted(pairs, key=itemgetter(0)))


def _ends(before: str, language: str) -> Iterable[str]:
    """What may end the first side: nothing, what is open there, a header's mark or a statement's, or a text's."""
    closers = tail(last_lines(before, language), language)
    return dict.fromkeys(["", closers, *([f"{closers}:", '"""'] if language == "python" else [f"{closers};"])])


def _heads(after: str, language: str, lines: Sequence[str]) -> Iterator[Iterator[str]]:
    """How the line may begin that the second side ends, the simpler ways first: with what opens brackets and quotes, as
    a line elsewhere does that opens as much, behind a block's header, and, since it is no code then, as a comment."""
    opened = list(openings(after, language))
    yield _indented(after, opened)
    yield _indented(after, [head for opening in opened for head in _begun(lines, opening)])
    yield _in_blocks(after, lines, opened)
    yield _indented(after, [f"{comment_mark(language)} "])


def _indented(after: str, beginnings: Iterable[str]) -> Iterator[str]:
    """Beginnings of a line as far in as the next one, or a step less where it opens what that stands in."""
    rest = after.partition("\n")[0]
    margin, blanks = margin_of(_following(after)), margin_of(after)
    if rest.rstrip().endswith(OPENERS):
        margin = margin.removesuffix(step_of(margin))
    for beginning in beginnings:
        if beginning or margin.startswith(blanks):
            yield margin + beginning if beginning else margin[len(blanks) :]


def _begun(lines: Iterable[str], opening: str) -> list[str]:
    """How lines begin that open a bracket or a quote as the opening does; where it opens none, their first words.
    lines: the nearest first."""
    mark = opening[:1] or " "
    begun = _commonest(line.partition(mark)[0] for line in lines if mark in line)
    return [beginning + mark + opening[1:] for beginning in begun]


def _in_blocks(after: str, lines: Iterable[str], openings: Sequence[str]) -> Iterator[str]:
    """Beginnings of a line in a block whose header stands elsewhere, where the next line is no part of it. lines: the
    nearest first."""
    margin = margin_of(_following(after))
    headers = _commonest(line for line in (*lines, *_HEADERS) if line.endswith((":", "{")))
    for header, opening in product(headers, openings):
        yield f"{margin}{header}\n{margin}{step_of(margin)}{opening}"


def _commonest(lines: Iterable[str]) -> list[str]:
    """Of each of the commonest first words the first line that begins with it."""
    first: dict[str, str] = {}
    count: Counter[str] = Counter()
    for line in lines:
        if match := _WORD.match(line):
            first.setdefault(match[0], line)
            count[match[0]] += 1
    return [first[word] for word, _ in count.most_common(_MOST_WORDS)]


def _following(after: str) -> str:
    """The first line with text on it below the hole's."""
    return next((line for line in after.split("\n")[1:] if line.strip()), "")
