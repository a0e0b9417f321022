"""The fixed set of infill cases from packages that were never trained on: text windows with a hole, as JSON lines."""

from __future__ import annotations

import gzip
import io
import json
import random
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.nano.corpus import Document
from bench.nano.holes import KINDS, draw
from bench.nano.lines import line_starts
from infill.request import Span

WINDOW_BEFORE, WINDOW_AFTER = 2300, 1000
"""Code points shown around a hole, to whole lines."""
MOST_PER_DOCUMENT = 8


def cases(documents: Sequence[Document], count: int, seed: int) -> Iterator[dict[str, Any]]:
    """`count` cases of each kind of hole, in turn, so that the first N of a kind are the first N drawn.

    Each is {"name", "split", "path", "text", "start", "end"}, the hole's code points in the text. A package's share
    grows with the square root of its size. No hole begins in a comment or a string of several lines, and tables of
    literals have none.
    """
    rng = random.Random(seed)
    python, weights = python_by_weight(documents)
    prose = {document.path: prose_spans(document.text) for document in python}
    drawn = Counter[tuple[str, str]]()
    for number in range(count):
        for kind in KINDS:
            while True:
                document = rng.choices(python, weights)[0]
                hole = draw(document.text, kind, rng) if drawn[kind, document.path] < MOST_PER_DOCUMENT else None
                if hole and not any(span.start <= hole.start < span.end for span in prose[document.path]):
                    break
            drawn[kind, document.path] += 1
            text, span = window(document.text, hole)
            place = {"split": kind, "path": document.path, "text": text, "start": span.start, "end": span.end}
            yield {"name": f"{kind}/{number}"} | place


def python_by_weight(documents: Sequence[Document]) -> tuple[list[Document], list[float]]:
    """The documents in Python but for tables of literals, and how often each is drawn from, so that a package's share
    grows with the square root of its size."""
    python = [document for document in documents if document.language == "python" and not is_table(document.text)]
    sizes = Counter[str]()
    for document in python:
        sizes[document.package] += len(document.text)
    return python, [len(document.text) / sizes[document.package] ** 0.5 for document in python]


def is_table(text: str) -> bool:
    """Whether most lines begin with a literal or a bracket."""
    lines = [line.lstrip() for line in text.splitlines() if line.strip()]
    return sum(line[0] in "\"'([{0123456789" for line in lines) > 0.5 * len(lines)


def prose_spans(text: str) -> list[Span]:
    """Comments and strings of several lines, docstrings among them, in Python source."""
    starts = line_starts(text)
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return [
        Span(start=starts[token.start[0] - 1] + token.start[1], end=starts[token.end[0] - 1] + token.end[1])
        for token in tokens
        if token.type == tokenize.COMMENT or (token.type == tokenize.STRING and token.start[0] < token.end[0])
    ]


def window(text: str, hole: Span) -> tuple[str, Span]:
    """The whole lines near a hole, and the hole in them."""
    start = 0
    if hole.start > WINDOW_BEFORE:
        start = text.find("\n", hole.start - WINDOW_BEFORE, hole.start) + 1 or hole.start - WINDOW_BEFORE
    end = len(text)
    if hole.end + WINDOW_AFTER < len(text):
        end = text.rfind("\n", hole.end, hole.end + WINDOW_AFTER) + 1 or hole.end + WINDOW_AFTER
    return text[start:end], Span(start=hole.start - start, end=hole.end - start)


def write(rows: Iterable[dict[str, Any]], path: Path) -> None:
    """Write cases, compressed, the same bytes for the same cases."""
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(lines.encode(), compresslevel=9, mtime=0))
