"""The difference that a new text for a hole makes, as replacements of the lines that change.

Lines are compared without their ends, so a line that stays keeps its own. Nothing outside the hole is part of a
replacement, however little of its first and last line the hole covers.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import accumulate, pairwise

from dgemma_lsp.documents.lines import Place, content_length, split_lines, text_between
from dgemma_lsp.documents.window import Range


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunk:
    """A text in place of what stands from `start` to `end`; the places lie within the content of their lines."""

    start: Place
    end: Place
    text: str


def hunks(lines: Sequence[str], hole: Range, text: str) -> tuple[Hunk, ...]:
    """The replacements that put `text` into the hole, in order, disjoint; none where it changes nothing. Added lines
    end as those around them do."""
    start, end = hole
    last = lines[end.line]
    head, tail = lines[start.line][: start.column], last[end.column : content_length(last)]
    standing = text_between(lines, Place(start.line, 0), Place(end.line, content_length(last)))
    within = len(head), len(standing) - len(tail)
    firsts = [0, *accumulate(map(len, lines[start.line : end.line]))]

    def place(offset: int) -> Place:
        line = bisect_right(firsts, offset) - 1
        return Place(start.line + line, offset - firsts[line])

    replaced = list(_replaced(standing, head + text + tail, lines, end))
    moved = [_moved(standing, *each, *within) for each in replaced]
    if any(past > first for (_, past, _), (first, _, _) in pairwise(moved)):
        moved = [_moved(standing, *_joined(standing, replaced), *within)]
    return tuple(Hunk(start=place(first), end=place(past), text=new) for first, past, new in moved)


def _replaced(old: str, new: str, lines: Sequence[str], end: Place) -> Iterator[tuple[int, int, str]]:
    """Whole lines of `old` and what comes in their place: offsets of where they begin and end, and a text."""
    ending = _ending(lines, end.line)
    own = split_lines(old)
    before, after = ([line[: content_length(line)] for line in each] for each in (own, split_lines(new)))
    firsts = [0, *accumulate(map(len, own))]
    ends = [first + len(content) for first, content in zip(firsts, before, strict=False)]
    after[1:-1] = _with_blanks(before, after)[1:-1]
    for tag, first, past, new_first, new_past in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        added = ending.join(after[new_first:new_past])
        if tag == "replace":
            yield firsts[first], ends[past - 1], added
        elif tag == "insert" and first < len(own):
            yield firsts[first], firsts[first], added + ending
        elif tag == "insert":
            yield ends[-1], ends[-1], ending + added
        elif tag == "delete" and past < len(own):
            yield firsts[first], firsts[past], ""
        elif tag == "delete":
            yield ends[first - 1], ends[-1], ""


def _with_blanks(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """Lines with the blanks that they had at their ends: an engine writes none."""
    bare = [[line.rstrip() for line in lines] for lines in (before, after)]
    found = list(after)
    for match in SequenceMatcher(None, *bare, autojunk=False).get_matching_blocks():
        found[match.b : match.b + match.size] = before[match.a : match.a + match.size]
    return found


def _joined(text: str, replaced: Sequence[tuple[int, int, str]]) -> tuple[int, int, str]:
    """Several replacements as one, with what stays between them."""
    first, past, new = replaced[0]
    for other_first, other_past, other_new in replaced[1:]:
        new += text[past:other_first] + other_new
        past = other_past
    return first, past, new


def _moved(text: str, first: int, past: int, new: str, low: int, high: int) -> tuple[int, int, str]:
    """The same replacement of text[first:past], between `low` and `high`: what stands outside is the same before and
    after, so it is either the beginning or end of both, or stands at both ends of the lines that come or go."""
    if before := text[first:low]:
        count = len(before)
        if past >= low and new.startswith(before):
            first, new = low, new[count:]
        else:
            first, past, new = first + count, past + count, (new + text[past : past + count])[count:]
    if after := text[high:past]:
        count = len(after)
        if first <= high and new.endswith(after):
            past, new = high, new[:-count]
        else:
            first, past, new = first - count, past - count, (text[first - count : first] + new)[:-count]
    return first, past, new


def _ending(lines: Sequence[str], line: int) -> str:
    """How a line ends; the last one, which has no end, as the one before it."""
    near = (lines[number][content_length(lines[number]) :] for number in (line, line - 1) if number >= 0)
    return next(filter(None, near), "\n")
