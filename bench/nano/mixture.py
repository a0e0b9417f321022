"""What training frames are drawn from: requests of every kind that the product makes, over real files."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Literal, TypeAlias

from bench.nano.corpus import Document
from bench.nano.example import Example, insertion
from bench.nano.holes import KINDS, draw, line_ends
from bench.nano.renames import Names, followed, together, told
from bench.nano.rewrites import reworded
from bench.nano.soundness import parses

Kind: TypeAlias = Literal["infill", "several", "rewrite", "edit"]
WEIGHTS: dict[Kind, float] = {"infill": 0.50, "several": 0.06, "rewrite": 0.35, "edit": 0.09}
HOLE_WEIGHTS = (0.5, 0.3, 0.2)
# Shares: of several holes, those that hold the same name; of rewrites, renames.
_SAME_NAME = 0.5
_RENAMES = 0.77
# A file is parsed once for this many examples.
_DRAWS_A_FILE = 12
_NAMING_FILES = 150
_ATTEMPTS = 50


def examples(documents: Sequence[Document], seed: int, weights: dict[Kind, float] = WEIGHTS) -> Iterator[Example]:
    """Examples without end, from files at random, longer ones oftener."""
    rng = random.Random(seed)
    kinds = list(weights)
    sizes = [len(document.text) for document in documents]
    maker = _Maker(Names.of(rng.sample(documents, min(_NAMING_FILES, len(documents)))), rng)
    files = _files(documents, sizes, rng)
    while True:
        kind = rng.choices(kinds, [weights[kind] for kind in kinds])[0]
        # Not every file has a place for every kind; their shares are to hold all the same.
        for _ in range(_ATTEMPTS):
            # Insertions need no parse, so that each can have a file of its own.
            document = rng.choices(documents, sizes)[0] if kind == "infill" else next(files)
            example = maker.make(kind, document)
            if example and (kind in ("infill", "several") or parses(example)):
                yield example
                break


def _files(documents: Sequence[Document], sizes: Sequence[int], rng: random.Random) -> Iterator[Document]:
    while True:
        yield from repeat(rng.choices(documents, sizes)[0], _DRAWS_A_FILE)


class _Maker:
    """Draws an example of a kind from a file."""

    def __init__(self, names: Names, rng: random.Random) -> None:
        self._names = names
        self._rng = rng

    def make(self, kind: Kind, document: Document) -> Example | None:
        """An example, or None where the file has no place for one or none was found."""
        rng = self._rng
        if kind == "rewrite":
            return told(document, self._names, rng) if rng.random() < _RENAMES else reworded(document, rng)
        if kind == "edit":
            return followed(document, self._names, rng)
        if kind == "several" and rng.random() < _SAME_NAME:
            return together(document, rng)
        if kind == "several":
            holes = line_ends(document.text, rng)
        else:
            hole = draw(document.text, rng.choices(KINDS, HOLE_WEIGHTS)[0], rng)
            holes = [hole] if hole else None
        return insertion(document.text, holes, document.path) if holes else None
