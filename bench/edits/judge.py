"""What an offered edit is worth to somebody who has just changed something."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

from bench.edits.follow.case import EditCase, Replacement

Verdict: TypeAlias = Literal["right", "silent", "several", "wrong text", "wrong place"]
"""right: one of the places that remain, or several that share a line, and nothing else. several: more than that, all of
them rightly. wrong text: where a place is, but not what has to stand there. wrong place: where nothing follows."""


def judge(case: EditCase, offered: Replacement | None) -> Verdict:
    """Judge an edit of the text after the change."""
    if offered is None:
        return "silent"
    text = case.after
    result = offered.applied(text)
    for run in _runs(case.places):
        followed = text
        for place in reversed(run):
            followed = place.applied(followed)
        if followed == result:
            first, last = run[0].span.start, run[-1].span.end
            return "several" if "\n" in text[first:last] else "right"
    start, end = _touched(text, result)
    touches = any(place.span.start <= end and start <= place.span.end for place in case.places)
    return "wrong text" if touches else "wrong place"


def _runs(places: tuple[Replacement, ...]) -> Iterator[tuple[Replacement, ...]]:
    """Every run of neighbouring places."""
    for start in range(len(places)):
        for end in range(start + 1, len(places) + 1):
            yield places[start:end]


def _touched(text: str, result: str) -> tuple[int, int]:
    """The span of a text that another one does not begin or end with."""
    shorter = min(len(text), len(result))
    head = next((i for i in range(shorter) if text[i] != result[i]), shorter)
    tail = next((i for i in range(shorter - head) if text[-1 - i] != result[-1 - i]), shorter - head)
    return head, len(text) - tail
