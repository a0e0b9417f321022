"""Canvas to candidate: what the model wrote in the holes, cut to what belongs there, or the reason to drop it.

Cutting only shortens a text from its end; the text around the holes is never touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.canvas import Floats, RowState
from infill.layout import Layout
from infill.overlap import drop_echo
from infill.passage import to_line_feeds
from infill.prompt import Fence
from infill.request import Draft, Rejection
from infill.scope import cut_to_scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A row's holes as finished texts, line ends "\\n". mean_entropy, worst_entropy: nats, of the tokens kept."""

    texts: tuple[str, ...]
    mean_entropy: float
    worst_entropy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a text is to stand. present: what stands there now; before, after: the text around it; "\\n" everywhere."""

    before: str
    present: str
    after: str
    mode: Literal["line", "block"]
    fence: Fence


def read_row(
    row: RowState, lengths: Sequence[int], layout: Layout, mode: Literal["line", "block"]
) -> Reading | Rejection:
    """The greedy reading of a denoised row, finished; rejected where one of its holes has nothing to offer."""
    raw = [to_line_feeds(text) for text in layout.read(row.argmax_ids, lengths)]
    before, *following = layout.around
    texts: list[str] = []
    for i, present in enumerate(layout.middles):
        after = following[i] + "".join(map("".join, zip(raw[i + 1 :], following[i + 1 :], strict=True)))
        text = finish(raw[i], Place(before=before, present=present, after=after, mode=mode, fence=layout.fence))
        if isinstance(text, Rejection):
            return text
        texts.append(text)
        before += text + following[i]
    entropies = _kept_entropies(row, lengths, layout, texts)
    return Reading(
        texts=tuple(texts), mean_entropy=float(entropies.mean()), worst_entropy=float(entropies.max(initial=0.0))
    )


def finish(raw: str, place: Place) -> str | Rejection:
    """What of a hole's raw text is worth offering."""
    text = _before_line(raw, place.fence.marks)
    if place.mode == "line":
        text = text.partition("\n")[0]
    elif not place.present:
        text = cut_to_scope(text, place.before, place.after, place.fence.language)
    written = text.strip()
    text = drop_echo(text, place.before, place.after)
    if not place.after or place.after.startswith("\n"):
        text = text.rstrip()
    if not text.strip() and not place.present.strip():
        return Rejection(reason="repeats_suffix" if written else "empty")
    return text


def draft(row: RowState, lengths: Sequence[int], layout: Layout) -> Draft:
    """A row's reading as it stands, unfinished, for display."""
    pieces: list[tuple[tuple[str, float], ...]] = []
    for edges, span in zip(layout.edges, layout.spans(lengths), strict=True):
        texts = list(layout.tokens.decode_pieces(row.argmax_ids[span].tolist()))
        texts[0] = texts[0].removeprefix(edges.head)
        texts[-1] = texts[-1].removesuffix(edges.tail)
        pieces.append(tuple(zip(texts, row.entropy[span].tolist(), strict=True)))
    return Draft(pieces=tuple(pieces))


def _before_line(text: str, line: str) -> str:
    """The text up to the first line that is nothing but `line`."""
    lines = text.split("\n")
    stop = next((i for i, other in enumerate(lines) if other.strip() == line), len(lines))
    return "\n".join(lines[:stop])


def _kept_entropies(row: RowState, lengths: Sequence[int], layout: Layout, texts: Sequence[str]) -> Floats:
    """Entropies of the tokens that begin within the finished texts, [N] nats, at least one a hole."""
    kept: list[Floats] = []
    for edges, span, text in zip(layout.edges, layout.spans(lengths), texts, strict=True):
        sizes = [len(piece) for piece in layout.tokens.decode_pieces(row.argmax_ids[span].tolist())]
        begins = np.cumsum([0, *sizes[:-1]])
        kept.append(row.entropy[span][(begins < len(edges.head) + len(text)) | (begins == 0)])
    return np.concatenate(kept)
