"""Training frames: real files with a hole, laid out by `infill` exactly as a request would be, as flat id arrays.

Knows the prompt only through `infill.layout`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.nano.corpus import Document
from bench.nano.holes import KINDS, draw
from infill.layout import Layout, lay_out
from infill.request import InfillRequest, Rejection, Span
from infill.tokens import TextTokens
from infill.window import Budget

KIND_WEIGHTS = (0.5, 0.3, 0.2)
BUDGET = Budget(context=320, canvas=96)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """Contexts and true canvases of many requests.

    contexts, canvases: flat uint16 ids. context_ends, canvas_ends: [N] where each one ends. holes: [N, 2], start and
    stop of the hole in its canvas.
    """

    contexts: NDArray[np.uint16]
    context_ends: NDArray[np.int64]
    canvases: NDArray[np.uint16]
    canvas_ends: NDArray[np.int64]
    holes: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.holes)

    def context(self, index: int) -> NDArray[np.uint16]:
        """[C] ids of a frame's context."""
        start = self.context_ends[index - 1] if index else 0
        return self.contexts[start : self.context_ends[index]]

    def canvas(self, index: int) -> NDArray[np.uint16]:
        """[L] ids of a frame's canvas, its hole filled with the truth."""
        start = self.canvas_ends[index - 1] if index else 0
        return self.canvases[start : self.canvas_ends[index]]


def layout_of(text: str, hole: Span, path: str, tokens: TextTokens, budget: Budget = BUDGET) -> Layout | Rejection:
    """A hole of a text as `infill` lays it out."""
    return lay_out(InfillRequest(text=text, holes=(hole,), path=path), tokens, budget)


def build(documents: Sequence[Document], tokens: TextTokens, count: int, seed: int) -> Frames:
    """Frames of `count` holes drawn from random documents, longer ones oftener."""
    rng = random.Random(seed)
    weights = np.cumsum([len(document.text) for document in documents]).tolist()
    contexts: list[NDArray[np.int32]] = []
    canvases: list[NDArray[np.int32]] = []
    holes: list[tuple[int, int]] = []
    while len(holes) < count:
        document = rng.choices(documents, cum_weights=weights)[0]
        span = draw(document.text, rng.choices(KINDS, KIND_WEIGHTS)[0], rng)
        if span is None:
            continue
        layout = layout_of(document.text, span, document.path, tokens)
        if isinstance(layout, Rejection) or not len(layout.present[0]):
            continue
        hole = layout.spans([len(layout.present[0])])[0]
        contexts.append(layout.context_ids)
        canvases.append(layout.filled(layout.present).token_ids)
        holes.append((hole.start, hole.stop))
    return Frames(
        contexts=np.concatenate(contexts).astype(np.uint16),
        context_ends=np.cumsum([len(ids) for ids in contexts]),
        canvases=np.concatenate(canvases).astype(np.uint16),
        canvas_ends=np.cumsum([len(ids) for ids in canvases]),
        holes=np.array(holes, np.int32),
    )


def save(frames: Frames, path: Path) -> None:
    """Write frames as one npz file."""
    np.savez(path, **{name: getattr(frames, name) for name in Frames.__slots__})


def load(path: Path) -> Frames:
    """Read what `save` wrote."""
    with np.load(path) as arrays:
        return Frames(**{name: arrays[name] for name in Frames.__slots__})
