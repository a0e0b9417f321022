"""Places of a file that have to say the same: those that are changed, and those that then have to follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from bench.edits.follow.case import EditCase, Replacement
from infill.request import Span

FollowKind: TypeAlias = Literal["local", "parameter", "attribute", "function", "argument", "key", "string"]
LEAST_PLACES = 2


@dataclass(frozen=True, slots=True)
class Slot:
    """A span that a new word takes, with what stands around it then."""

    span: Span
    before: str = ""
    after: str = ""

    def filled(self, word: str) -> Replacement:
        """The change that puts a word here."""
        return Replacement(span=self.span, text=f"{self.before}{word}{self.after}")


@dataclass(frozen=True, slots=True)
class Group:
    """old: the word that is replaced; "" where one is added. changed: in the order in which they are typed. following:
    in the order of the text."""

    kind: FollowKind
    old: str
    changed: tuple[Slot, ...]
    following: tuple[Slot, ...]

    def case(self, word: str, *, name: str, path: str, text: str) -> EditCase:
        """The case in which this word is typed."""
        changes = [slot.filled(word) for slot in self.changed]
        typed = [_moved(change, changes[:number]) for number, change in enumerate(changes)]
        places = [_moved(slot.filled(word), changes) for slot in self.following]
        return EditCase(name=name, kind=self.kind, path=path, text=text, typed=tuple(typed), places=tuple(places))


def worth_following(text: str, spans: Sequence[Span], changed: int) -> bool:
    """Whether so many of these are left once the first ones are changed, on as many lines."""
    lines = {text.count("\n", 0, span.start) for span in spans[changed:]}
    return len(lines) >= LEAST_PLACES


def _moved(change: Replacement, earlier: Sequence[Replacement]) -> Replacement:
    """A change where it has come to by earlier ones elsewhere."""
    grown = sum(len(e.text) - (e.span.end - e.span.start) for e in earlier if e.span.start <= change.span.start)
    return Replacement(span=Span(start=change.span.start + grown, end=change.span.end + grown), text=change.text)
