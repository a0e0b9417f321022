"""Canvas to candidate: what the model wrote in the holes, cut to what belongs there, or the reason to drop it.

Cutting only shortens a text from its end; the text around the holes is never touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.canvas import Flags, RowState
from infill.layout import Layout
from infill.overlap import drop_echo
from infill.passage import to_line_feeds
from infill.prompt import Fence
from infill.request import Draft, Rejection
from infill.scope import cut_to_scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A row's holes as finished texts, line ends "\\n".

    mean_entropy, worst_entropy: nats, of the tokens kept. first_line_entropy: the same as the worst, of those of the
    first line that has text on it, where a single hole has further lines; None elsewhere.
    """

    texts: tuple[str, ...]
    mean_entropy: float
    worst_entropy: float
    first_line_entropy: float | None = None


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
    texts: list[str] = []
    for i in range(len(raw)):
        text = finish(raw[i], _place(i, [*texts, *raw[i:]], layout, mode))
        if isinstance(text, Rejection):
            return text
        texts.append(text)
    spans = layout.spans(lengths)
    kept = [row.entropy[span][_begun(i, texts[i], row, span, layout)] for i, span in enumerate(spans)]
    entropies = np.concatenate(kept)
    first_line = _first_line_end(texts[0])
    cut = len(texts) == 1 and 0 < first_line < len(texts[0])
    begun = _begun(0, texts[0][:first_line], row, spans[0], layout)
    return Reading(
        texts=tuple(texts),
        mean_entropy=float(entropies.mean()),
        worst_entropy=float(entropies.max()),
        first_line_entropy=float(row.entropy[spans[0]][begun].max()) if cut else None,
    )


def first_line(reading: Reading) -> Reading | None:
    """The reading cut behind its first line with text on it; None where that is all of it."""
    if reading.first_line_entropy is None:
        return None
    text = reading.texts[0][: _first_line_end(reading.texts[0])]
    return Reading(texts=(text,), mean_entropy=reading.mean_entropy, worst_entropy=reading.first_line_entropy)


def kept_tokens(
    row: RowState, lengths: Sequence[int], hole: int, layout: Layout, mode: Literal["line", "block"]
) -> int:
    """How many of a hole's tokens, from the first, spell what is left of it once it is finished; all of them where that
    is nothing, or everything."""
    raw = [to_line_feeds(text) for text in layout.read(row.argmax_ids, lengths)]
    text = finish(raw[hole], _place(hole, raw, layout, mode))
    if isinstance(text, Rejection) or text == raw[hole] or not raw[hole].startswith(text):
        return lengths[hole]
    begun = np.count_nonzero(_begun(hole, text, row, layout.spans(lengths)[hole], layout))
    # The characters known at the hole's end need a token, too.
    return min(int(begun) + bool(layout.edges[hole].tail), lengths[hole])


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


def _place(hole: int, texts: Sequence[str], layout: Layout, mode: Literal["line", "block"]) -> Place:
    """Where a hole's text is to stand when all holes hold these texts."""
    before, after = layout.around[0], layout.around[-1]
    for text, run in zip(texts[:hole], layout.around[1:], strict=False):
        before += text + run
    for run, text in zip(layout.around[-2:hole:-1], texts[:hole:-1], strict=True):
        after = run + text + after
    return Place(before=before, present=layout.middles[hole], after=after, mode=mode, fence=layout.fence)


def _begun(hole: int, text: str, row: RowState, span: slice, layout: Layout) -> Flags:
    """[N], which of a hole's tokens begin within its known head and this text; the first always."""
    sizes = [len(piece) for piece in layout.tokens.decode_pieces(row.argmax_ids[span].tolist())]
    begins = np.cumsum([0, *sizes[:-1]])
    return (begins < len(layout.edges[hole].head) + len(text)) | (begins == 0)


def _first_line_end(text: str) -> int:
    """Where the first line with text on it ends."""
    end = text.find("\n", len(text) - len(text.lstrip()))
    return len(text) if end < 0 else end
