"""The fixed set of rewrites told in words, from packages that were never trained on, as JSON lines."""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.nano.corpus import Document
from bench.nano.example import Example
from bench.nano.heldout import python_by_weight, window
from bench.nano.heldout_renames import DATA
from bench.nano.rewrites import rewording
from bench.nano.soundness import parses
from bench.nano.sources import Split
from infill.request import InfillRequest, Span

_MOST_PER_DOCUMENT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """kind: how it is written otherwise, and which way."""

    kind: str
    example: Example


def draw(documents: Sequence[Document], count: int, seed: int) -> Iterator[dict[str, Any]]:
    """`count` rewrites in Python, the first N of which are the first N drawn.

    Each is {"name", "kind", "path", "text", "start", "end", "instruction", "answer"}, the hole's code points in the
    text. A package's share grows with the square root of its size.
    """
    rng = random.Random(seed)
    python, weights = python_by_weight(documents)
    drawn = Counter[str]()
    while drawn.total() < count:
        document = rng.choices(python, weights)[0]
        made = rewording(document, rng) if drawn[document.path] < _MOST_PER_DOCUMENT else None
        if made is None or not parses(made.example):
            continue
        request = made.example.request
        text, hole = window(request.text, request.holes[0])
        place = {"path": document.path, "text": text, "start": hole.start, "end": hole.end}
        told_so = {"instruction": request.instruction, "answer": made.example.answers[0]}
        yield {"name": f"rewrite/{drawn.total()}", "kind": made.kind} | place | told_so
        drawn[document.path] += 1


def path_of(split: Split, data: Path = DATA) -> Path:
    """The file of a split's rewrites."""
    return data / f"{split}-rewrites.jsonl.gz"


def read(split: Split = "heldout", data: Path = DATA) -> list[Told]:
    """A split's rewrites, in the file's order, which is the seed's."""
    with gzip.open(path_of(split, data), "rt", encoding="utf-8") as lines:
        return [_told(json.loads(line)) for line in lines]


def _told(row: dict[str, Any]) -> Told:
    hole = Span(start=row["start"], end=row["end"])
    request = InfillRequest(text=row["text"], holes=(hole,), path=row["path"], instruction=row["instruction"])
    return Told(kind=row["kind"], example=Example(request=request, answers=(row["answer"],)))
