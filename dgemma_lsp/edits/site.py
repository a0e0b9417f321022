"""Sites: the places of open documents where an edit may follow from the last changes, the likeliest first.

Places where a change can be done over again come first, then lines with diagnostics, lines like the changed one, and
what stands around the cursor. Looks at no more of a document than a parser needs.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import chain

from dgemma_lsp.documents.changes import DocumentChange
from dgemma_lsp.documents.lines import Place, content_length
from dgemma_lsp.documents.store import Document
from dgemma_lsp.documents.window import Range, readable
from infill.edit.follow import ChangedText, patterns
from infill.edit.names import Names
from infill.edit.pattern import FollowUp, MadeChange, Pattern
from infill.edit.substitution import tokens
from infill.request import Span
from infill.text.languages import language_of

REACH = 1_000
"""Lines on either side of the cursor, or of the last change in another document, that are parsed."""
NEARBY = 10
"""Lines above and below the cursor, and above and below the last change, within which a site without a replay lies."""
ALIKE = 0.6
"""Of the tokens of a line, those that a changed line has in common with one that may follow it."""
ABOVE, BELOW = 2, 5
"""Lines around the cursor that are predicted anew where nothing names a place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EditSite:
    """Where an edit may be: a part of a document, and what the changes make of it where they are done over again."""

    uri: str
    range: Range
    replays: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Excerpt:
    """A stretch of a document's lines as one text. offsets: where each of its lines begins."""

    document: Document
    first: int
    text: str
    offsets: tuple[int, ...]
    names: Names

    @classmethod
    def around(cls, document: Document, line: int) -> _Excerpt:
        first = max(line - REACH, 0)
        lines = document.lines[first : line + REACH + 1]
        text = readable("".join(lines))
        offsets = [0]
        for each in lines:
            offsets.append(offsets[-1] + len(each))
        names = Names(text, language_of(document.uri, document.language_id))
        return cls(document, first, text, tuple(offsets), names)

    def changed(self, changes: Iterable[DocumentChange], cursor: Place | None = None) -> ChangedText:
        """The text with the changes that were made in it."""
        at = None if cursor is None else self.offsets[cursor.line - self.first] + cursor.column
        return ChangedText(self.text, self.names, self._made(changes), at)

    def _made(self, changes: Iterable[DocumentChange]) -> list[MadeChange]:
        last = self.first + len(self.offsets) - 1
        return [
            MadeChange(
                before="".join(change.before),
                span=Span(start=self.offsets[change.first - self.first], end=self.offsets[change.last - self.first]),
            )
            for change in changes
            if change.uri == self.document.uri and self.first <= change.first and change.last <= last
        ]

    def sites(self, found: Iterable[Pattern]) -> Iterator[EditSite]:
        """The lines that do not follow the patterns yet, each with all that is to change in it."""
        by_line: dict[int, list[FollowUp]] = {}
        for own in chain.from_iterable(pattern.follow_ups(self.text, self.names) for pattern in found):
            line = self._line_at(own.span.start)
            others = by_line.setdefault(line, [])
            if own.span.end <= self.offsets[line + 1] and not any(_overlap(own.span, each.span) for each in others):
                others.append(own)
        for line, follow_ups in sorted(by_line.items()):
            yield self._site(line, follow_ups)

    def _site(self, line: int, follow_ups: Sequence[FollowUp]) -> EditSite:
        content = self.document.lines[self.first + line]
        new, shift = content, self.offsets[line]
        for own in sorted(follow_ups, key=lambda own: own.span.start, reverse=True):
            new = new[: own.span.start - shift] + own.text + new[own.span.end - shift :]
        start = len(content) - len(content.lstrip())
        end = len(content.rstrip())
        replay = new[start : len(new.rstrip())]
        range_ = (Place(self.first + line, start), Place(self.first + line, end))
        return EditSite(uri=self.document.uri, range=range_, replays=(replay,))

    def _line_at(self, offset: int) -> int:
        return min(bisect_right(self.offsets, offset), len(self.offsets) - 1) - 1


def edit_sites(
    documents: Mapping[str, Document],
    uri: str,
    cursor: Place,
    changes: Sequence[DocumentChange],
    diagnostics: Sequence[int] = (),
) -> Iterator[EditSite]:
    """The sites for a cursor in the document of `uri`. documents: those that are open and may be changed. changes: the
    newest last. diagnostics: lines that have some."""
    newest = {change.uri: change.first for change in changes if change.uri in documents}
    excerpts = {
        each: _Excerpt.around(documents[each], cursor.line if each == uri else newest[each])
        for each in {uri: 0} | newest
    }
    here = excerpts[uri].changed(changes, cursor)
    changed = [here if each == uri else excerpt.changed(changes) for each, excerpt in excerpts.items()]
    own = [pattern for pattern, source in patterns(changed) if source is here or not pattern.is_local]
    yield from sorted(excerpts[uri].sites(own), key=lambda site: _distance(site, cursor))
    shared = [pattern for pattern in own if not pattern.is_local]
    for other, document in documents.items() if shared else ():
        if other != uri:
            excerpt = excerpts.get(other) or _Excerpt.around(document, 0)
            yield from excerpt.sites(shared)
    yield from _sites_without_replay(documents[uri], cursor, changes, diagnostics)


def _sites_without_replay(
    document: Document, cursor: Place, changes: Sequence[DocumentChange], diagnostics: Sequence[int]
) -> Iterator[EditSite]:
    """Lines that only the model can tell to follow: with diagnostics, like a changed line, around the cursor."""
    own = [change for change in changes if change.uri == document.uri]
    near = range(max(cursor.line - NEARBY, 0), min(cursor.line + NEARBY + 1, len(document.lines)))
    changed = {line for change in own for line in range(change.first, change.last)}
    lines = [line for line in sorted(diagnostics, key=lambda line: abs(line - cursor.line)) if line in near]
    for change in reversed(own):
        if len(change.before) == 1:
            lines += [line for line in near if _are_alike(change.before[0], document.lines[line])]
    for line in dict.fromkeys(lines):
        if line not in changed and document.lines[line].strip():
            yield EditSite(uri=document.uri, range=_inked(document.lines, line, line + 1))
    if own:
        first, last = max(cursor.line - ABOVE, 0), min(cursor.line + BELOW + 1, len(document.lines))
        yield EditSite(uri=document.uri, range=_inked(document.lines, first, last))


def _inked(lines: Sequence[str], first: int, last: int) -> Range:
    """The range of lines without blanks at its ends."""
    while last - first > 1 and not lines[last - 1].strip():
        last -= 1
    while last - first > 1 and not lines[first].strip():
        first += 1
    begin, end = lines[first], lines[last - 1]
    start = min(len(begin) - len(begin.lstrip()), content_length(begin))
    return Place(first, start), Place(last - 1, max(len(end.rstrip()), start if last - 1 == first else 0))


def _are_alike(line: str, other: str) -> bool:
    if not line.strip() or not other.strip():
        return False
    return SequenceMatcher(None, tokens(line.strip()), tokens(other.strip()), autojunk=False).ratio() >= ALIKE


def _distance(site: EditSite, cursor: Place) -> tuple[int, bool]:
    """How far a site is from the cursor, in lines; of two as far the one below is nearer."""
    line = site.range[0].line
    return abs(line - cursor.line), line < cursor.line


def _overlap(span: Span, other: Span) -> bool:
    return span.start < other.end and other.start < span.end
