"""Canvas to candidate: what the model wrote in the holes, cut to what belongs there, or the reason to drop it.

A text is only ever shortened from its end, or closed there; the text around the holes is never touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.canvas import Flags, Floats, RowState, TokenIds
from infill.beam import Hypothesis, spelling
from infill.layout import Layout
from infill.mode import HoleMode
from infill.overlap import drop_echo
from infill.passage import to_line_feeds
from infill.prompt import Fence
from infill.repair import endings, joints
from infill.request import Draft, Rejection
from infill.scope import cut_to_scope
from infill.trim import trimmed

Nats: TypeAlias = tuple[tuple[tuple[float, ...], ...], ...]
"""A value for each token: per hole, per line of its text, of the tokens that begin on it; a line's end is its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A row's holes as finished texts, line ends "\n".

    entropies: nats, of the tokens kept. doubts: nats, by how much each of the texts' tokens, and that they end there,
        is unlikely to whom reads left to right; the entropies, until that is known.
    """

    texts: tuple[str, ...]
    entropies: Nats
    doubts: Nats

    @property
    def mean_entropy(self) -> float:
        """Nats, over the tokens kept."""
        return _mean(self.entropies)

    @property
    def worst_entropy(self) -> float:
        """Nats, of the least certain token kept."""
        return max(value for hole in self.entropies for line in hole for value in line)

    @property
    def doubt(self) -> float:
        """Nats by which the least likely line is unlikely, all its tokens together."""
        return max(sum(line) for hole in self.doubts for line in hole)

    def cut(self, lines: int) -> Reading:
        """The same with the first lines of its first hole only, the last of them without its end."""
        text = "\n".join(self.texts[0].split("\n")[:lines])
        return replace(
            self,
            texts=(text, *self.texts[1:]),
            entropies=(self.entropies[0][:lines], *self.entropies[1:]),
            doubts=(self.doubts[0][:lines], *self.doubts[1:]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a text is to stand. present: what stands there now; before, after: the text around it; "\\n" everywhere."""

    before: str
    present: str
    after: str
    mode: HoleMode
    fence: Fence


def read_row(row: RowState, lengths: Sequence[int], layout: Layout, mode: HoleMode) -> Reading | Rejection:
    """The greedy reading of a denoised row, finished; rejected where one of its holes has nothing to offer."""
    raw = [to_line_feeds(text) for text in layout.read(row.argmax_ids, lengths)]
    texts: list[str] = []
    for i in range(len(raw)):
        text = finish(raw[i], _place(i, [*texts, *raw[i:]], layout, mode))
        if isinstance(text, Rejection):
            return text
        texts.append(text)
    return _reading(texts, row, lengths, layout)


def repairs(
    reading: Reading,
    row: RowState,
    lengths: Sequence[int],
    layout: Layout,
    mode: HoleMode,
    bridges: Sequence[str] = (),
) -> Iterator[Reading]:
    """A row's reading with other forms of one of its holes' texts, the longest first; the last hole's turn is first.
    bridges: that a text across lines may be like."""
    for hole in reversed(range(len(reading.texts))):
        whole, place = reading.texts[hole], _place(hole, reading.texts, layout, mode)
        cuts = _begins(hole, row.argmax_ids[layout.spans(lengths)[hole]], layout).tolist()
        language = place.fence.language
        if mode == "across":
            others = joints(whole, cuts, before=place.before, bridges=bridges, language=language)
        else:
            others = endings(whole, cuts, before=place.before, after=place.after, language=language)
        for text in others:
            yield _reading([*reading.texts[:hole], text, *reading.texts[hole + 1 :]], row, lengths, layout)


def exchanges(row: RowState, lengths: Sequence[int], layout: Layout, mode: HoleMode) -> Iterator[Reading]:
    """A row's readings with one of its tokens exchanged for another, what loses the least likelihood first."""
    free = np.r_[layout.spans(lengths)]
    losses = row.top_log_probs[free, :1] - row.top_log_probs[free, 1:]
    for at in np.argsort(losses, axis=None)[: np.isfinite(losses).sum()].tolist():
        place, rank = divmod(at, losses.shape[1])
        token_ids = row.argmax_ids.copy()
        token_ids[free[place]] = row.top_ids[free[place], rank + 1]
        reading = read_row(replace(row, argmax_ids=token_ids), lengths, layout, mode)
        if isinstance(reading, Reading):
            yield reading


def written(hypotheses: Sequence[Hypothesis], layout: Layout, mode: HoleMode) -> Reading | None:
    """The holes' texts as the encoder would write them; None where one lacks the characters known at its hole's edges,
    or something would have to be cut off."""
    spelled = [spelling(text, edges, layout.tokens) for text, edges in zip(hypotheses, layout.edges, strict=True)]
    texts = [text for text in spelled if text is not None]
    if len(texts) < len(spelled):
        return None
    if not all(_is_finished(text, _place(hole, texts, layout, mode)) for hole, text in enumerate(texts)):
        return None
    ids = [np.array(text.token_ids, np.int32) for text in hypotheses]
    entropies = [np.array(text.entropies, np.float32) for text in hypotheses]
    doubts = [-np.array(text.log_probs, np.float32) for text in hypotheses]
    return Reading(
        texts=tuple(texts),
        entropies=_by_token(zip(texts, ids, entropies, strict=True), layout),
        doubts=_by_token(zip(texts, ids, doubts, strict=True), layout),
    )


def doubted(reading: Reading, read: Sequence[Hypothesis], layout: Layout) -> Reading:
    """A reading with what the encoder doubts of its lines, the token after the last of them included. read: its texts
    as the encoder read them."""
    ids = [np.array(text.token_ids, np.int32) for text in read]
    doubts = [-np.array(text.log_probs, np.float32) for text in read]
    return replace(reading, doubts=_by_token(zip(reading.texts, ids, doubts, strict=True), layout))


def _reading(texts: Sequence[str], row: RowState, lengths: Sequence[int], layout: Layout) -> Reading:
    """Finished texts with the entropies of what they keep of a row."""
    spans = layout.spans(lengths)
    entropies = _by_token(
        ((text, row.argmax_ids[span], row.entropy[span]) for text, span in zip(texts, spans, strict=True)), layout
    )
    return Reading(texts=tuple(texts), entropies=entropies, doubts=entropies)


def kept_tokens(row: RowState, lengths: Sequence[int], hole: int, layout: Layout, mode: HoleMode) -> int:
    """How many of a hole's tokens, from the first, spell what is left of it once it is finished; all of them where that
    is nothing, or everything."""
    raw = [to_line_feeds(text) for text in layout.read(row.argmax_ids, lengths)]
    text = finish(raw[hole], _place(hole, raw, layout, mode))
    if isinstance(text, Rejection) or text == raw[hole] or not raw[hole].startswith(text):
        return lengths[hole]
    ids = row.argmax_ids[layout.spans(lengths)[hole]]
    begun = np.count_nonzero(_begun(_begins(hole, ids, layout), text))
    # The characters known at the hole's end need a token, too.
    return min(int(begun) + bool(layout.edges[hole].tail), lengths[hole])


def finish(raw: str, place: Place) -> str | Rejection:
    """What of a hole's raw text is worth offering."""
    text = _before_line(raw, place.fence.marks)
    if place.mode in ("within", "line"):
        text = text.partition("\n")[0]
    elif place.mode == "block" and not place.present:
        text = cut_to_scope(text, place.before, place.after, place.fence.language)
    written = text.strip()
    text = drop_echo(text, place.before, place.after)
    text = trimmed(text, place.before, place.after, place.fence.language)
    if not text.strip() and not place.present.strip():
        return Rejection(reason="repeats_suffix" if written else "empty")
    return text


def _is_finished(text: str, place: Place) -> bool:
    """Whether nothing of a text is to be cut off. The blanks that begin its last line do not repeat those after it:
    nobody wrote them to fill a hole up."""
    finished = finish(text, place)
    if isinstance(finished, Rejection) or not text.startswith(finished):
        return False
    left = text[len(finished) :]
    return not left or ("\n" in text and not left.strip(" \t"))


def draft(row: RowState, lengths: Sequence[int], layout: Layout) -> Draft:
    """A row's reading as it stands, unfinished, for display."""
    spans = layout.spans(lengths)
    return drafted([(row.argmax_ids[span].tolist(), row.entropy[span].tolist()) for span in spans], layout)


def drafted(holes: Iterable[tuple[Sequence[int], Sequence[float]]], layout: Layout) -> Draft:
    """Holes' tokens with their entropies in nats, for display, without the characters known at the holes' edges."""
    pieces: list[tuple[tuple[str, float], ...]] = []
    for (token_ids, entropies), edges in zip(holes, layout.edges, strict=True):
        texts = list(layout.tokens.decode_pieces(token_ids))
        texts[:1] = [text.removeprefix(edges.head) for text in texts[:1]]
        texts[-1:] = [text.removesuffix(edges.tail) for text in texts[-1:]]
        pieces.append(tuple(zip(texts, entropies, strict=True)))
    return Draft(pieces=tuple(pieces))


def _before_line(text: str, line: str) -> str:
    """The text up to the first line that is nothing but `line`."""
    lines = text.split("\n")
    stop = next((i for i, other in enumerate(lines) if other.strip() == line), len(lines))
    return "\n".join(lines[:stop])


def _place(hole: int, texts: Sequence[str], layout: Layout, mode: HoleMode) -> Place:
    """Where a hole's text is to stand when all holes hold these texts."""
    before, after = layout.around[0], layout.around[-1]
    for text, run in zip(texts[:hole], layout.around[1:], strict=False):
        before += text + run
    for run, text in zip(layout.around[-2:hole:-1], texts[:hole:-1], strict=True):
        after = run + text + after
    return Place(before=before, present=layout.middles[hole], after=after, mode=mode, fence=layout.fence)


def _begins(hole: int, token_ids: TokenIds, layout: Layout) -> NDArray[np.int64]:
    """[N], where in a hole's text the tokens that spell it begin; before 0 in the characters known before it. Of no
    tokens [1], where they would."""
    sizes = [len(piece) for piece in layout.tokens.decode_pieces(token_ids.tolist())]
    return np.cumsum([0, *sizes[:-1]]) - len(layout.edges[hole].head)


def _begun(begins: NDArray[np.int64], text: str) -> Flags:
    """[N], which tokens of a hole begin before the end of its text; the first always."""
    begun = begins < len(text)
    begun[0] = True
    return begun


def _by_token(holes: Iterable[tuple[str, TokenIds, Floats]], layout: Layout) -> Nats:
    """The values of the tokens that holes' texts keep, from each hole's text, tokens and values."""
    return tuple(_by_line(text, _begins(i, ids, layout), values) for i, (text, ids, values) in enumerate(holes))


def _by_line(text: str, begins: NDArray[np.int64], values: Floats) -> tuple[tuple[float, ...], ...]:
    """A value more than there are tokens is of the text's end."""
    lines: list[list[float]] = [[] for _ in range(text.count("\n") + 1)]
    for value, at in zip(values[: len(begins)][_begun(begins, text)].tolist(), begins.tolist(), strict=False):
        lines[text.count("\n", 0, max(at, 0))].append(value)
    lines[-1] += values[len(begins) :].tolist()
    return tuple(map(tuple, lines))


def _mean(nats: Nats) -> float:
    return fmean(value for hole in nats for line in hole for value in line)
