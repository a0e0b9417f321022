"""Training frames: requests laid out by `infill` exactly as the product's are, with the right text in their holes, as
flat id arrays.

Knows the prompt only through `infill.prompt.layout`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.nano.example import Example
from infill.prompt.layout import lay_out
from infill.prompt.window import WindowBudget
from infill.request import Rejection
from infill.text.tokens import TextTokens

BUDGET = WindowBudget(context=320, canvas=96)
LONG_BUDGET = WindowBudget(context=1_024, canvas=96)
"""Of the few frames whose contexts go past 512 positions."""
LONG_LEAST = 513


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A context, and the true canvas over it. holes: start and stop of each in the canvas."""

    context: NDArray[np.int32]
    canvas: NDArray[np.int32]
    holes: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """Contexts and true canvases of many requests.

    contexts, canvases: flat uint16 ids. holes: [H, 2] int32, start and stop of each hole in its canvas, frame by frame.
    context_ends, canvas_ends, hole_ends: [N] int64, where each frame's part of these ends.
    """

    contexts: NDArray[np.uint16]
    context_ends: NDArray[np.int64]
    canvases: NDArray[np.uint16]
    canvas_ends: NDArray[np.int64]
    holes: NDArray[np.int32]
    hole_ends: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.context_ends)

    def context(self, index: int) -> NDArray[np.uint16]:
        """[C] ids of a frame's context."""
        return self.contexts[_part(self.context_ends, index)]

    def canvas(self, index: int) -> NDArray[np.uint16]:
        """[L] ids of a frame's canvas, its holes filled with the truth."""
        return self.canvases[_part(self.canvas_ends, index)]

    def free(self, index: int) -> NDArray[np.bool_]:
        """[L] whether a position of a frame's canvas lies in a hole."""
        free = np.zeros(len(self.canvas(index)), np.bool_)
        for start, stop in self.holes[_part(self.hole_ends, index)]:
            free[start:stop] = True
        return free


def _part(ends: NDArray[np.int64], index: int) -> slice:
    return slice(int(ends[index - 1]) if index else 0, int(ends[index]))


def frame_of(example: Example, tokens: TextTokens, budget: WindowBudget = BUDGET) -> Frame | None:
    """An example as a request would be laid out; None where `infill` would reject it, or a hole holds no token."""
    layout = lay_out(example.request, tokens, budget)
    if isinstance(layout, Rejection):
        return None
    middles = layout.encode_middles(example.answers)
    lengths = [len(middle) for middle in middles]
    if not all(lengths) or sum(lengths) > layout.room:
        return None
    return Frame(
        context=layout.context_ids,
        canvas=layout.filled(middles).token_ids,
        holes=[(span.start, span.stop) for span in layout.spans(lengths)],
    )


def collect(drawn: Iterable[Frame | None], count: int, *, least: int = 0) -> Frames:
    """The first `count` frames drawn that have contexts of at least `least` tokens."""
    frames = list(islice((frame for frame in drawn if frame and len(frame.context) >= least), count))
    return Frames(
        contexts=np.concatenate([frame.context for frame in frames]).astype(np.uint16),
        context_ends=np.cumsum([len(frame.context) for frame in frames]),
        canvases=np.concatenate([frame.canvas for frame in frames]).astype(np.uint16),
        canvas_ends=np.cumsum([len(frame.canvas) for frame in frames]),
        holes=np.array([hole for frame in frames for hole in frame.holes], np.int32),
        hole_ends=np.cumsum([len(frame.holes) for frame in frames]),
    )


def save(frames: Frames, path: Path) -> None:
    """Write frames as one npz file, by replacement: a run may be reading the old one."""
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, **{name: getattr(frames, name) for name in Frames.__slots__})
    partial.replace(path)


def load(path: Path) -> Frames:
    """Read what `save` wrote."""
    with np.load(path) as arrays:
        return Frames(**{name: arrays[name] for name in Frames.__slots__})
