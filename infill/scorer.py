"""The encoder's part of a search: it scores what was denoised, and what it writes itself."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np

from engine.canvas import RowScores, TokenIds
from infill.batch import Denoised
from infill.beam import Hypothesis, Stem, ids_of
from infill.candidate import Reading, doubted, written
from infill.flaws import flaw_cost
from infill.layout import Layout
from infill.meter import Meter
from infill.mode import HoleMode
from infill.offer import Offer, all_break
from infill.rank import Weights, likelihood, read_score, unread_score
from infill.request import Progress
from infill.statements import Statements
from infill.writer import MOST_PARSED, Extension, Goal, Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """What judges the readings of one search.

    words: known ones; see `infill.words`. extension: None where the encoder adds no texts of its own.
    """

    mode: HoleMode
    layout: Layout
    statements: Statements
    meter: Meter
    weights: Weights
    writer: Writer
    words: frozenset[str]
    extension: Extension | None

    def offer(self, reading: Reading, row: Denoised) -> Offer:
        """A reading with what its score is before the encoder has read it."""
        errors = self.statements.errors(reading.texts)
        score = unread_score(mean_entropy=reading.mean_entropy, added_errors=errors, weights=self.weights)
        cost = flaw_cost(self.layout.around, reading.texts, self.words, self.weights)
        return Offer(reading, row, errors, score - cost, self.meter.passes, cost)

    def score(
        self, offers: Sequence[Offer], *, row: Denoised, wanted: int, most_doubt: float | None
    ) -> Generator[Progress, None, list[Offer]]:
        """Offers with what the encoder makes of them, beside them those of the copies, and its own, down to the first
        few (`wanted`) that are whole. row: one that its own texts are grown from. most_doubt: see
        `infill.gate.admitted`."""
        if not self.weights.likelihood or not (offers or self.writer.copies[0] or self.extension):
            return list(offers)
        middles = [self.layout.encode_middles(offer.reading.texts) for offer in offers]
        known = {ids_of(texts[0]) for texts in middles}
        copied = [(np.array(ids, np.int32),) for ids in self.writer.copies[0] if ids not in known]
        begun = [*middles, *copied] or [(np.zeros(0, np.int32),)]
        scores = self.writer.read(begun)
        yield Progress(stage="score")
        rows, others = scores.rows[: len(offers)], scores.rows[len(offers) :]
        scored = [self._read_row(offer, texts, own) for offer, texts, own in zip(offers, middles, rows, strict=True)]
        if len(self.layout.edges) == 1:
            texts = [self._read(0, ids, own) for (ids,), own in zip(copied, others, strict=False)]
            elsewhere = [self._written(Stem((text,), text.log_prob), row) for text in texts]
            scored += [offer for offer in elsewhere if offer is not None]
        if self.extension is None or self._belong_elsewhere(scored):
            return scored
        judged = cache(partial(self._written, row=row))
        goal = Goal(wanted, lambda stem: _is_whole(judged(stem)), self._least(scored, wanted, most_doubt))
        stems = yield from self.writer.write(begun, scores, self.extension, goal)
        return scored + _first_whole(map(judged, stems[:MOST_PARSED]), scored, wanted)

    def _belong_elsewhere(self, offers: Sequence[Offer]) -> bool:
        """Whether nothing within the line of an empty hole is whole: its sides may then belong to different lines, and
        the passes go there."""
        return self.mode == "within" and self.layout.middles == ("",) and bool(offers) and all_break(offers)

    def _least(self, scored: Sequence[Offer], wanted: int, most_doubt: float | None) -> float:
        """Nats that the encoder has to give a text that is worth writing: what is whole already is not likelier, and it
        would be shown. A text on one line is doubted as a whole, but not for the characters known after it, which its
        likelihood counts; of several holes' texts, each by itself."""
        whole = sorted((offer.score for offer in scored if _is_whole(offer)), reverse=True)
        least = whole[wanted - 1] if len(whole) >= wanted else -np.inf
        if most_doubt is not None and len(self.layout.edges) == 1 and not self.layout.edges[0].tail:
            least = max(least, -most_doubt)
        return least

    def _written(self, stem: Stem, row: Denoised) -> Offer | None:
        """A text that the encoder has read left to right, as an offer; None where it is none. One that is copied may
        have several lines where the hole lies within one."""
        mode = "across" if self.mode == "within" else self.mode
        with self.meter.timed("rank"):
            reading = written(stem.texts, self.layout, mode)
            return None if reading is None else self._judged(self.offer(reading, row), stem.log_prob)

    def _read_row(self, offer: Offer, texts: Sequence[TokenIds], scores: RowScores) -> Offer:
        """A row's offer once the encoder has read its texts. scores: from the first of their tokens on."""
        spans = self.layout.spans([len(text) for text in texts])
        begin = spans[0].start
        parts = [scores.part(span.start - begin, span.stop + 1 - begin) for span in spans]
        read = [self._read(hole, ids, part) for hole, (ids, part) in enumerate(zip(texts, parts, strict=True))]
        between = likelihood(scores) - sum(map(likelihood, parts))
        reading = doubted(offer.reading, read, self.layout)
        return self._judged(replace(offer, reading=reading), between + sum(text.log_prob for text in read))

    def _read(self, hole: int, token_ids: TokenIds, scores: RowScores) -> Hypothesis:
        """A hole's text once the encoder has read it, and where what stands elsewhere counts, too."""
        return Hypothesis.whole(token_ids, scores).mixed(self.writer.copies[hole])

    def _judged(self, offer: Offer, log_prob: float) -> Offer:
        """An offer with its score. log_prob: nats, of its texts and what stands between and after them."""
        score = read_score(log_prob, added_errors=offer.added_errors, weights=self.weights)
        return replace(offer, score=score - offer.flaw_cost, passes=self.meter.passes)


def _is_whole(offer: Offer | None) -> bool:
    """Whether a text is good enough for nothing likelier to be looked for."""
    return offer is not None and not offer.added_errors and not offer.flaw_cost


def _first_whole(offers: Iterable[Offer | None], known: Sequence[Offer], wanted: int) -> list[Offer]:
    """Offers of other texts than are known, as far as the first few that are whole."""
    texts = {offer.reading.texts for offer in known}
    first: list[Offer] = []
    for offer in offers:
        if sum(map(_is_whole, first)) == wanted:
            break
        if offer is not None and offer.reading.texts not in texts:
            first.append(offer)
    return first
