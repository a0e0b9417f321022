"""Draws a split's cases from its documents: as many where something follows as where nothing does, and finished lines.

The same documents and seed give the same cases. A package's share grows with the square root of its size.
"""

from __future__ import annotations

import ast
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import cycle
from typing import TypeVar

from bench.edits.follow import calls, literals, names, quiet, tempting
from bench.edits.follow.case import EditCase
from bench.edits.follow.group import FollowKind, Group
from bench.edits.follow.quiet import QuietKind
from bench.edits.follow.source import Source
from bench.edits.follow.tempting import TemptingKind
from bench.nano.corpus import Document
from bench.nano.heldout import python_by_weight
from bench.nano.renames import Names

FOLLOW_KINDS: tuple[FollowKind, ...] = ("local", "parameter", "attribute", "function", "argument", "key", "string")
QUIET_KINDS: tuple[QuietKind, ...] = ("line", "comment", "number", "layout")
TEMPTING_KINDS: tuple[TemptingKind, ...] = ("followed", "use", "value", "operator")
FINISHED, TEMPTING = 0.6, 0.4
"""As many finished lines, and changes that look like the first of several, for each case where something follows."""
_MOST_CHARACTERS = 40_000
_MOST_PER_DOCUMENT = 3
"""Of a kind."""
_NAMING_FILES = 100
_ADDED = ("strict", "verbose", "encoding", "cached", "quiet", "depth", "flush", "label", "recursive", "limit", "origin")
_QUALIFIERS = ("new", "current", "base", "raw", "main", "first", "inner", "local", "own", "full")
_QUALIFIED = 1 / 2
"""The share of words that keep the old one and add to it."""

T = TypeVar("T")


def draw(documents: Sequence[Document], count: int, seed: int) -> list[EditCase]:
    """`count` cases of each half, and shares of finished lines and tempting changes; fewer of a kind that the documents
    do not have."""
    rng = random.Random(seed)
    drawer = _Drawer(documents, rng)
    cases = list(drawer.drawn("follow", FOLLOW_KINDS, count, drawer.follow))
    cases += drawer.drawn("unrelated", QUIET_KINDS, count, drawer.quiet)
    cases += drawer.drawn("finished", ("finished",), round(FINISHED * count), drawer.quiet)
    cases += drawer.drawn("tempting", TEMPTING_KINDS, round(TEMPTING * count), drawer.tempting)
    return cases


class _Drawer:
    """The documents with all that can be changed in them."""

    def __init__(self, documents: Sequence[Document], rng: random.Random) -> None:
        python, weights = python_by_weight(documents)
        self._rng = rng
        self._names = Names.of(rng.sample(python, min(_NAMING_FILES, len(python))))
        self._weighted: list[tuple[Document, float]] = []
        self._groups: dict[str, dict[str, list[Group]]] = {}
        self._changes: dict[str, dict[str, list[quiet.Change]]] = {}
        self._followed: dict[str, list[Group]] = {}
        self._tempting: dict[str, dict[str, list[tempting.Change]]] = {}
        for document, weight in zip(python, weights, strict=True):
            if len(document.text) <= _MOST_CHARACTERS:
                source = Source(document.text)
                self._weighted.append((document, weight))
                found = list(groups(source))
                variables = [group for group in found if group.kind in ("local", "parameter")]
                self._groups[document.path] = _by_kind(found, lambda group: group.kind)
                self._followed[document.path] = list(tempting.followed(source, variables))
                self._tempting[document.path] = _by_kind(tempting.changes(source, variables), lambda change: change[0])
                self._changes[document.path] = _by_kind(quiet.changes(source, rng), lambda change: change[0])

    def drawn(
        self,
        prefix: str,
        kinds: Sequence[str],
        count: int,
        make: Callable[[str, Document, str], EditCase | None],
    ) -> Iterator[EditCase]:
        """`count` cases of these kinds in turn, until the documents have no more of any."""
        taken = Counter[tuple[str, str]]()
        number, exhausted = 0, set[str]()
        for kind in cycle(kinds):
            if number == count or len(exhausted) == len(kinds):
                return
            while kind not in exhausted:
                left = [(d, weight) for d, weight in self._weighted if taken[kind, d.path] < _MOST_PER_DOCUMENT]
                if not left:
                    exhausted.add(kind)
                    break
                (document,) = self._rng.choices([d for d, _ in left], [weight for _, weight in left])
                case = make(kind, document, f"{prefix}/{number}")
                if case is None:
                    taken[kind, document.path] = _MOST_PER_DOCUMENT
                else:
                    taken[kind, document.path] += 1
                    number += 1
                    yield case
                    break

    def follow(self, kind: str, document: Document, name: str) -> EditCase | None:
        """A case of this kind, or None where the document has no more."""
        while group := self._taken(self._groups[document.path].get(kind, [])):
            word = self._word(group, document.text)
            case = group.case(word, name=name, path=document.path, text=document.text) if word else None
            if case and _parses(case):
                return case
        return None

    def quiet(self, kind: str, document: Document, name: str) -> EditCase | None:
        """The same for a change from which nothing follows."""
        while change := self._taken(self._changes[document.path].get(kind, [])):
            case = quiet.case_of(change, name=name, path=document.path, text=document.text)
            if _parses(case):
                return case
        return None

    def tempting(self, kind: str, document: Document, name: str) -> EditCase | None:
        """The same for a change that looks like the first of several."""
        place = {"name": name, "path": document.path, "text": document.text}
        while kind == "followed" and (group := self._taken(self._followed[document.path])):
            word = self._word(group, document.text)
            case = tempting.followed_case(group, word, **place) if word else None
            if case and _parses(case):
                return case
        while change := self._taken(self._tempting[document.path].get(kind, [])):
            case = tempting.case_of(change, **place)
            if _parses(case):
                return case
        return None

    def _taken(self, items: list[T]) -> T | None:
        """One of the items, which is none of them any more."""
        return items.pop(self._rng.randrange(len(items))) if items else None

    def _word(self, group: Group, text: str) -> str | None:
        """A word that the text does not have, written as the old one is."""
        old = group.old
        if not old:
            free = [word for word in _ADDED if not re.search(rf"\b{word}\b", text)]
            return self._rng.choice(free) if free else None
        if old == old.lower() and not old.startswith("_") and self._rng.random() < _QUALIFIED:
            joint = "-" if "-" in old else "_"
            word = joint.join(self._rng.sample([self._rng.choice(_QUALIFIERS), old], 2))
            return None if word in text else word
        drawn = self._names.draw(old.replace("-", "_"), text, self._rng)
        return drawn.replace("_", "-") if drawn and "-" in old else drawn


def groups(source: Source) -> Iterator[Group]:
    """All that has to say the same in a file."""
    yield from names.variables(source)
    yield from names.attributes(source)
    yield from names.functions(source)
    yield from calls.arguments(source)
    yield from literals.literals(source)


def _parses(case: EditCase) -> bool:
    """Whether the file is Python once everything is typed and followed."""
    try:
        ast.parse(case.solved)
    except SyntaxError:
        return False
    return True


def _by_kind(items: Iterable[T], kind: Callable[[T], str]) -> dict[str, list[T]]:
    found: dict[str, list[T]] = {}
    for item in items:
        found.setdefault(kind(item), []).append(item)
    return found
