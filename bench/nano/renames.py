"""Renames in real code: told in words, or by a first occurrence that was just changed. Each has one right result, known
by the syntax tree, that follows from the text alone."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bench.nano.corpus import Document
from bench.nano.example import Example, insertion, replaced
from bench.nano.identifiers import Identifier, chosen_names, occurrences, words_in
from bench.nano.lines import line_of, lines_above, lines_from, written
from infill.request import Change, InfillRequest, Span

INSTRUCTIONS = (
    "rename {old} to {new}",
    "Rename `{old}` to `{new}`.",
    "rename {old} to {new} here",
    "change the name {old} to {new}",
    "call it {new} instead of {old}",
    "use {new} instead of {old}",
    "{old} -> {new}",
    "Replace the name `{old}` by `{new}`.",
)
_ATTEMPTS = 20
_MOST_CHARACTERS = 240
_MOST_LINES = 5
# Code points on either side of a place where a new name must not stand yet.
_NEARBY = 2_500
# Lines above a change in which its name does not stand, and below it among which what follows is looked for.
_LINES_ABOVE = 10
_LINES_BELOW = 16
_MOST_HOLES = 3
# Shares of edits in which there is nothing to do, and of the others whose holes are several in one canvas.
_IDLE = 0.12
_SEVERAL = 0.4


@dataclass(frozen=True, slots=True)
class Names:
    """Names to give, by how they are written."""

    by_style: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, documents: Iterable[Document]) -> Names:
        """All names that these documents' authors chose."""
        found: dict[str, set[str]] = {}
        for document in documents:
            for identifier in chosen_names(document.text, document.language):
                if len(identifier.name) > 1:
                    found.setdefault(_style(identifier.name), set()).add(identifier.name)
        return cls({style: tuple(sorted(names)) for style, names in found.items()})

    def draw(self, old: str, nearby: str, rng: random.Random) -> str | None:
        """A name written like `old` that does not stand nearby, or None where none was found in some attempts."""
        names = self.by_style.get(_style(old), ())
        drawn = (rng.choice(names) for _ in range(_ATTEMPTS if names else 0))
        return next((name for name in drawn if name not in nearby), None)


def told(document: Document, names: Names, rng: random.Random) -> Example | None:
    """A few lines in which a name is to be another, in words; None where no such place was found in some attempts."""
    text = document.text
    for identifier in _drawn(document, rng):
        region = lines_from(text, identifier.start, rng.randint(1, _MOST_LINES))
        spans = _occurrences(document, region, identifier)
        new = names.draw(identifier.name, _nearby(text, region), rng)
        if new is None or not spans or region.end - region.start > _MOST_CHARACTERS:
            continue
        instruction = rng.choice(INSTRUCTIONS).format(old=identifier.name, new=new)
        request = InfillRequest(text=text, holes=(region,), path=document.path, instruction=instruction)
        return Example(request=request, answers=(_renamed(text, region, spans, new),))
    return None


def followed(document: Document, names: Names, rng: random.Random) -> Example | None:
    """Lines that are to follow the rename of a name's first occurrence just above them, or lines below it that do not
    hold the name and stay; None where no such place was found in some attempts."""
    text = document.text
    for identifier in _drawn(document, rng):
        changed = line_of(text, identifier.start)
        spans = _occurrences(document, changed, identifier)
        below = lines_from(text, min(changed.end + 1, len(text)), _LINES_BELOW)
        later = _occurrences(document, below, identifier)
        new = names.draw(identifier.name, _nearby(text, changed), rng)
        is_first = not any(words_in(text, lines_above(text, changed.start, _LINES_ABOVE), identifier.name))
        if new is None or not spans or not later or not is_first:
            continue
        holes = _holes(text, below, later, rng)
        if not holes:
            continue
        answers = [_renamed(text, hole, later, new) for hole in holes]
        line = _renamed(text, changed, spans, new)
        change = Change(path=document.path, before=text[changed.start : changed.end], after=line)
        moved = len(line) - (changed.end - changed.start)
        request = InfillRequest(
            text=replaced(text, [changed], [line])[0],
            holes=tuple(Span(start=hole.start + moved, end=hole.end + moved) for hole in holes),
            path=document.path,
            changes=(change,),
        )
        return Example(request=request, answers=tuple(answers))
    return None


def together(document: Document, rng: random.Random) -> Example | None:
    """A name's neighbouring occurrences, each a hole of one canvas, some with the rest of their lines."""
    text = document.text
    for identifier in _drawn(document, rng):
        region = lines_from(text, identifier.start, _LINES_BELOW // 2)
        spans = [span for span in _occurrences(document, region, identifier) if span.start >= identifier.start]
        holes: list[Span] = []
        for span in spans[:_MOST_HOLES]:
            if holes and span.start <= holes[-1].end:
                continue
            end = line_of(text, span.start).end if rng.random() < 0.3 else span.end
            holes.append(Span(start=span.start, end=end))
        if len(holes) > 1:
            return insertion(text, holes, document.path)
    return None


def _drawn(document: Document, rng: random.Random) -> Iterator[Identifier]:
    """Some identifiers that can be renamed, at random."""
    found = chosen_names(document.text, document.language)
    return (rng.choice(found) for _ in range(_ATTEMPTS if found else 0))


def _occurrences(document: Document, region: Span, identifier: Identifier) -> tuple[Span, ...]:
    return occurrences(document.text, region, identifier, document.language)


def _holes(text: str, below: Span, later: Sequence[Span], rng: random.Random) -> list[Span]:
    """Whole lines below a change: some without the name, those that hold it as holes of their own, or a stretch that
    begins with or before the next one that holds it."""
    if rng.random() < _IDLE:
        region = lines_from(text, rng.randrange(below.start, below.end), rng.randint(1, 2))
        idle = all(span.end <= region.start or region.end <= span.start for span in later)
        return [region] if idle and _fits(region) else []
    lines = sorted({written(text, line_of(text, span.start)) for span in later})
    if len(lines) > 1 and rng.random() < _SEVERAL:
        return lines[:_MOST_HOLES] if all(map(_fits, lines)) else []
    above = lines_above(text, lines[0].start, rng.choice((0, 0, 1, 2)))
    region = lines_from(text, max(above.start, below.start), rng.randint(1, _MOST_LINES))
    return [region] if region.end >= lines[0].end and _fits(region) else []


def _fits(region: Span) -> bool:
    return 0 < region.end - region.start <= _MOST_CHARACTERS


def _renamed(text: str, region: Span, spans: Iterable[Span], new: str) -> str:
    """A region's text with another name in those of the spans that lie in it."""
    inner = [
        Span(start=span.start - region.start, end=span.end - region.start)
        for span in spans
        if region.start <= span.start and span.end <= region.end
    ]
    return replaced(text[region.start : region.end], inner, [new] * len(inner))[0]


def _nearby(text: str, region: Span) -> str:
    return text[max(region.start - _NEARBY, 0) : region.end + _NEARBY]


def _style(name: str) -> str:
    """How a name is written: its underscores before it, and which letters are large."""
    core = name.lstrip("_")
    if core.isupper() and len(core) > 1:
        letters = "UPPER"
    elif core[:1].isupper():
        letters = "Class"
    else:
        letters = "camel" if core != core.lower() else "lower"
    return "_" * (len(name) - len(core)) + letters
