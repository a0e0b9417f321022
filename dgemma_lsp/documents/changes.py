"""What the user has just changed: whole lines before and after, in the documents that are open.

In memory only. Changes that touch are one change, however it was typed, and one that was taken back is none. Each event
costs as much as the lines that it touches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from infill.text.lines import common_ends

MOST_CHANGES = 8
LIFETIME_S = 600.0
MOST_LINES, MOST_CHARACTERS = 400, 20_000
"""Of one change, before or after; a longer one is not something that another place could follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentChange:
    """Lines of a document in place of others. first, last: the lines that stand there now, `last` excluded. before: the
    ones that stood there. at: when they were last touched, in seconds."""

    uri: str
    first: int
    last: int
    before: tuple[str, ...]
    at: float

    def trimmed(self, lines: Sequence[str]) -> DocumentChange | None:
        """The change without lines that are the same at its ends; None where nothing else is left, or too much. lines:
        of the document."""
        before, now = self.before, lines[self.first : self.last]
        head, tail = common_ends(before, now)
        before, now = before[head : len(before) - tail], now[head : len(now) - tail]
        if not (before or now) or max(sum(map(len, own)) for own in (before, now)) > MOST_CHARACTERS:
            return None
        return replace(self, first=self.first + head, last=self.last - tail, before=before)


class RecentChanges:
    """The last changes of a front end's documents. clock: tells the time in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._changes: list[DocumentChange] = []

    def note(self, uri: str, first: int, removed: Sequence[str], added: int) -> None:
        """Lines from `first` on were replaced by `added` lines."""
        last, grown = first + len(removed), added - len(removed)
        own = [change for change in self._changes if change.uri == uri]
        touching = sorted(
            (each for each in own if each.first <= last and first <= each.last), key=lambda each: each.first
        )
        begin, end = min([first, *(each.first for each in touching)]), max([last, *(each.last for each in touching)])
        before: list[str] = []
        position = begin
        for each in touching:
            # Lines between two changes are of those that were replaced just now.
            before += [*removed[max(position - first, 0) : max(each.first - first, 0)], *each.before]
            position = each.last
        before += removed[max(position - first, 0) :]
        self._changes = [_moved(each, uri, last, grown) for each in self._changes if each not in touching]
        if max(len(before), end + grown - begin) <= MOST_LINES:
            change = DocumentChange(uri=uri, first=begin, last=end + grown, before=tuple(before), at=self._clock())
            self._changes = [*self._changes, change][-MOST_CHANGES:]

    def forget(self, uri: str) -> None:
        """Drop the changes of a document that is not followed any more."""
        self._changes = [own for own in self._changes if own.uri != uri]

    def recent(self, lines_of: Callable[[str], Sequence[str] | None]) -> list[DocumentChange]:
        """The changes that still stand, the newest last. lines_of: a document's lines."""
        oldest = self._clock() - LIFETIME_S
        self._changes = [own for own in self._changes if own.at >= oldest]
        found = ((own, lines_of(own.uri)) for own in self._changes)
        trimmed = (own.trimmed(lines) for own, lines in found if lines is not None)
        return [own for own in trimmed if own is not None]


def _moved(change: DocumentChange, uri: str, last: int, grown: int) -> DocumentChange:
    """A change where it stands after lines that ended at `last` have become more or fewer."""
    if change.uri != uri or change.first < last:
        return change
    return replace(change, first=change.first + grown, last=change.last + grown)
