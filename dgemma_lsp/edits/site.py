"""Sites: the places of open documents where an edit may follow from the last changes, the likeliest first.

Places where a change can be done over again come first, then lines with diagnostics, lines like the changed one, and
what stands around the cursor. Looks at no more of a document than a parser needs.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain

from dgemma_lsp.documents.changes import DocumentChange
from dgemma_lsp.documents.lines import Place, content_length
from dgemma_lsp.documents.store import Document
from dgemma_lsp.documents.window import Range, parsed_lines, readable
from infill.edit.change import FollowUp, Rule, Substitution, substitutions
from infill.edit.follow import are_alike, rules
from infill.edit.names import Names
from infill.request import Span
from infill.text.languages import language_of

NEARBY = 10
"""Lines above and below the cursor within which a line without a replay may be a site."""
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
    """A stretch of a document's lines as one text. offsets: where each of its lines begins, and where the last ends."""

    document: Document
    first: int
    offsets: Sequence[int]
    names: Names

    @classmethod
    def around(cls, document: Document, line: int) -> _Excerpt:
        near = parsed_lines(document.lines, line)
        lines = document.lines[near.start : near.stop]
        names = Names(readable("".join(lines)), language_of(document.uri, document.language_id))
        return cls(document, near.start, list(accumulate(map(len, lines), initial=0)), names)

    def offset(self, place: Place) -> int:
        return self.offsets[place.line - self.first] + place.column

    def substitutions(self, changes: Iterable[DocumentChange]) -> list[Substitution]:
        """What was replaced in it by those changes that lie in it."""
        last = self.first + len(self.offsets) - 1
        return [
            made
            for change in changes
            if change.uri == self.document.uri and self.first <= change.first and change.last <= last
            for made in substitutions("".join(change.before), self._span(change), self.names)
        ]

    def sites(self, followed: Iterable[Rule]) -> Iterator[EditSite]:
        """The lines that do not follow the rules yet, each with all that is to change in it."""
        by_line: dict[int, list[FollowUp]] = {}
        for own in chain.from_iterable(rule.follow_ups(self.names) for rule in followed):
            line = bisect_right(self.offsets, own.span.start, hi=len(self.offsets) - 1) - 1
            others = by_line.setdefault(line, [])
            if own.span.end <= self.offsets[line + 1] and not any(_overlap(own.span, each.span) for each in others):
                others.append(own)
        for line, follow_ups in sorted(by_line.items()):
            yield self._site(line, follow_ups)

    def _span(self, change: DocumentChange) -> Span:
        return Span(start=self.offsets[change.first - self.first], end=self.offsets[change.last - self.first])

    def _site(self, line: int, follow_ups: Sequence[FollowUp]) -> EditSite:
        content = self.document.lines[self.first + line]
        new, shift = content, self.offsets[line]
        for own in sorted(follow_ups, key=lambda own: own.span.start, reverse=True):
            new = new[: own.span.start - shift] + own.text + new[own.span.end - shift :]
        range_ = _without_blanks(self.document.lines, self.first + line, self.first + line + 1)
        replay = new[range_[0].column : len(new.rstrip())]
        return EditSite(uri=self.document.uri, range=range_, replays=(replay,))


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
    here = excerpts[uri]
    elsewhere = [made for other in excerpts.values() if other is not here for made in other.substitutions(changes)]
    followed = rules(here.substitutions(changes), elsewhere, cursor=here.offset(cursor))
    yield from sorted(here.sites(followed), key=lambda site: _distance(site, cursor))
    shared = [rule for rule in followed if not rule.is_local]
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
            lines += [line for line in near if are_alike(change.before[0], document.lines[line])]
    for line in dict.fromkeys(lines):
        if line not in changed and document.lines[line].strip():
            yield EditSite(uri=document.uri, range=_without_blanks(document.lines, line, line + 1))
    if own:
        first, last = max(cursor.line - ABOVE, 0), min(cursor.line + BELOW + 1, len(document.lines))
        around = _without_blanks(document.lines, first, last)
        if around[0] < around[1]:  # What is to be written on blank lines is no edit, but a suggestion at the cursor.
            yield EditSite(uri=document.uri, range=around)


def _without_blanks(lines: Sequence[str], first: int, last: int) -> Range:
    """The range of lines without blanks at its ends."""
    while last - first > 1 and not lines[last - 1].strip():
        last -= 1
    while last - first > 1 and not lines[first].strip():
        first += 1
    begin, end = lines[first], lines[last - 1]
    start = min(len(begin) - len(begin.lstrip()), content_length(begin))
    return Place(first, start), Place(last - 1, max(len(end.rstrip()), start if last - 1 == first else 0))


def _distance(site: EditSite, cursor: Place) -> tuple[int, bool]:
    """How far a site is from the cursor, in lines; of two as far the one below is nearer."""
    line = site.range[0].line
    return abs(line - cursor.line), line < cursor.line


def _overlap(span: Span, other: Span) -> bool:
    return span.start < other.end and other.start < span.end
