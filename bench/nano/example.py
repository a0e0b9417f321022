"""A request together with what the model should write: what frames and held-out sets are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from infill.request import InfillRequest, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A request, and the right text for each of its holes."""

    request: InfillRequest
    answers: tuple[str, ...]

    @property
    def solved(self) -> str:
        """The request's text with the answers in its holes."""
        return replaced(self.request.text, self.request.holes, self.answers)[0]


def insertion(text: str, holes: Sequence[Span], path: str) -> Example:
    """To insert again what stands in the holes."""
    blank, empty = replaced(text, holes, [""] * len(holes))
    answers = tuple(text[hole.start : hole.end] for hole in holes)
    return Example(request=InfillRequest(text=blank, holes=empty, path=path), answers=answers)


def replaced(text: str, spans: Sequence[Span], others: Sequence[str]) -> tuple[str, tuple[Span, ...]]:
    """The text with other texts in these spans (in order, none overlapping), and where they stand then."""
    made: list[str] = []
    moved: list[Span] = []
    position = size = 0
    for span, other in zip(spans, others, strict=True):
        made += [text[position : span.start], other]
        size += span.start - position
        moved.append(Span(start=size, end=size + len(other)))
        size += len(other)
        position = span.end
    return "".join([*made, text[position:]]), tuple(moved)
