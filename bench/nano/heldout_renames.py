"""The fixed set of renames told in words, from packages that were never trained on, as JSON lines."""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.nano.corpus import Document
from bench.nano.example import Example
from bench.nano.heldout import python_by_weight, window
from bench.nano.renames import Names, told
from bench.nano.soundness import parses
from bench.nano.sources import Split
from infill.request import InfillRequest, Span
from infill.text.tokens import TextTokens

DATA = Path(__file__).parent.parent / "data"
MOST_TOKENS = 40
"""Of what is rewritten, before and after."""
_MOST_PER_DOCUMENT = 6
_NAMING_FILES = 100


def draw(documents: Sequence[Document], tokens: TextTokens, count: int, seed: int) -> Iterator[dict[str, Any]]:
    """`count` renames in Python, the first N of which are the first N drawn.

    Each is {"name", "path", "text", "start", "end", "instruction", "answer"}, the hole's code points in the text.
    A package's share grows with the square root of its size.
    """
    rng = random.Random(seed)
    python, weights = python_by_weight(documents)
    names = Names.of(rng.sample(python, min(_NAMING_FILES, len(python))))
    drawn = Counter[str]()
    while drawn.total() < count:
        document = rng.choices(python, weights)[0]
        example = told(document, names, rng) if drawn[document.path] < _MOST_PER_DOCUMENT else None
        if example is None or not parses(example):
            continue
        (middle,), (answer,) = example.request.middles, example.answers
        if max(len(tokens.encode(middle)), len(tokens.encode(answer))) > MOST_TOKENS:
            continue
        text, hole = window(document.text, example.request.holes[0])
        place = {"path": document.path, "text": text, "start": hole.start, "end": hole.end}
        told_so = {"instruction": example.request.instruction, "answer": answer}
        yield {"name": f"rename/{drawn.total()}"} | place | told_so
        drawn[document.path] += 1


def path_of(split: Split, data: Path = DATA) -> Path:
    """The file of a split's renames."""
    return data / f"{split}-renames.jsonl.gz"


def read(split: Split = "heldout", data: Path = DATA) -> list[Example]:
    """A split's renames, in the file's order, which is the seed's."""
    with gzip.open(path_of(split, data), "rt", encoding="utf-8") as lines:
        return [_example(json.loads(line)) for line in lines]


def _example(row: dict[str, Any]) -> Example:
    hole = Span(start=row["start"], end=row["end"])
    request = InfillRequest(text=row["text"], holes=(hole,), path=row["path"], instruction=row["instruction"])
    return Example(request=request, answers=(row["answer"],))
