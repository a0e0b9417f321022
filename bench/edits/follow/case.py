"""One case: a file, what somebody types in it, and the places that have to follow; and the files that hold cases.

A file of cases has one JSON object a line for each document, in a fixed order: {"path", "text", "cases": [{"name",
"kind", "typed": [[start, end, text], …], "places": [[start, end, text], …]}]}, offsets in code points.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.nano.sources import Split
from infill.request import Span

DATA = Path(__file__).parents[2] / "data"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Replacement:
    """A span of a text and what shall stand there."""

    span: Span
    text: str

    def applied(self, text: str) -> str:
        """The text with this in it."""
        return text[: self.span.start] + self.text + text[self.span.end :]


@dataclass(frozen=True, slots=True, kw_only=True)
class EditCase:
    """text: the file before. typed: what is typed, each in the text as the former have left it. places: what has to
    follow, in the text after all of them, in order; none where silence is right."""

    name: str
    kind: str
    path: str
    text: str
    typed: tuple[Replacement, ...]
    places: tuple[Replacement, ...] = ()

    @property
    def after(self) -> str:
        """The text once everything is typed."""
        text = self.text
        for change in self.typed:
            text = change.applied(text)
        return text

    @property
    def solved(self) -> str:
        """The text once every place has followed."""
        text = self.after
        for place in reversed(self.places):
            text = place.applied(text)
        return text

    @property
    def cursor(self) -> int:
        """Where the typing ends, in the text after it."""
        last = self.typed[-1]
        return last.span.start + len(last.text)


def path_of(split: Split, data: Path = DATA) -> Path:
    """The file of a split's cases."""
    return data / f"{split}-edits.jsonl.gz"


def lines_of(cases: Iterable[EditCase]) -> list[dict[str, Any]]:
    """The cases as a file's objects, a document's together."""
    documents: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for case in cases:
        entry = {
            "name": case.name,
            "kind": case.kind,
            "typed": [_row(change) for change in case.typed],
            "places": [_row(place) for place in case.places],
        }
        documents.setdefault((case.path, case.text), []).append(entry)
    return [{"path": path, "text": text, "cases": entries} for (path, text), entries in sorted(documents.items())]


def load(path: Path) -> list[EditCase]:
    """A file's cases by number, so that the first N are of all kinds."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        cases = [_case(document, entry) for document in map(json.loads, lines) for entry in document["cases"]]
    return sorted(cases, key=lambda case: (int(case.name.rpartition("/")[2]), case.name))


def _case(document: dict[str, Any], entry: dict[str, Any]) -> EditCase:
    return EditCase(
        name=entry["name"],
        kind=entry["kind"],
        path=document["path"],
        text=document["text"],
        typed=tuple(map(_replacement, entry["typed"])),
        places=tuple(map(_replacement, entry["places"])),
    )


def _row(change: Replacement) -> list[Any]:
    return [change.span.start, change.span.end, change.text]


def _replacement(row: list[Any]) -> Replacement:
    start, end, text = row
    return Replacement(span=Span(start=start, end=end), text=text)
