"""The encoder's part of a search: it scores what was denoised, and what it writes itself."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np

from infill.batch import Denoised
from infill.beam import Stem
from infill.candidate import Reading, doubted, written
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

    extension: None where the encoder adds no texts of its own.
    """

    mode: HoleMode
    layout: Layout
    statements: Statements
    meter: Meter
    weights: Weights
    writer: Writer
    extension: Extension | None

    def offer(self, reading: Reading, row: Denoised) -> Offer:
        """A reading with what its score is before the encoder has read it."""
        errors = self.statements.errors(reading.texts)
        score = unread_score(mean_entropy=reading.mean_entropy, added_errors=errors, weights=self.weights)
        return Offer(reading, row, errors, score, self.meter.passes)

    def score(
        self, offers: Sequence[Offer], *, row: Denoised, wanted: int, most_doubt: float | None
    ) -> Generator[Progress, None, list[Offer]]:
        """Offers with what the encoder makes of them, and its own besides, down to the first few (`wanted`) that are
        whole. row: one that its own texts are grown from. most_doubt: see `infill.gate.admitted`."""
        if not self.weights.likelihood or not (offers or self.extension):
            return list(offers)
        middles = [self.layout.encode_middles(offer.reading.texts) for offer in offers]
        begun = middles or [(np.zeros(0, np.int32),)]
        scores = self.writer.read(begun)
        yield Progress(stage="score")
        scored = [
            replace(
                self._read_offer(offer, likelihood(own)),
                reading=doubted(offer.reading, texts, own, self.layout),
                passes=self.meter.passes,
            )
            for offer, texts, own in zip(offers, middles, scores.rows, strict=False)  # Without offers there is one row.
        ]
        if self.extension is None or self.belong_elsewhere(scored):
            return scored
        own = cache(partial(self._written, row=row))
        # A text on one line is doubted as a whole; of several holes' texts, each by itself.
        least = -np.inf if most_doubt is None or len(self.layout.edges) > 1 else -most_doubt
        goal = Goal(wanted, lambda stem: _is_whole(own(stem)), least)
        stems = yield from self.writer.write(begun, scores, self.extension, goal)
        known = {offer.reading.texts for offer in scored}
        for offer in map(own, stems[:MOST_PARSED]):
            if wanted and offer is not None and offer.reading.texts not in known:
                scored.append(offer)
                wanted -= _is_whole(offer)
        return scored

    def belong_elsewhere(self, offers: Sequence[Offer]) -> bool:
        """Whether nothing within the line of an empty hole is whole: its sides may then belong to different lines, and
        the passes go there."""
        return self.mode == "within" and self.layout.middles == ("",) and bool(offers) and all_break(offers)

    def _written(self, stem: Stem, row: Denoised) -> Offer | None:
        """The encoder's own text as an offer; None where it is none."""
        with self.meter.timed("rank"):
            reading = written(stem.texts, self.layout, self.mode)
            return None if reading is None else self._read_offer(self.offer(reading, row), stem.log_prob)

    def _read_offer(self, offer: Offer, log_prob: float) -> Offer:
        """An offer with its score once the encoder has read it."""
        score = read_score(log_prob, added_errors=offer.added_errors, weights=self.weights)
        return replace(offer, score=score)


def _is_whole(offer: Offer | None) -> bool:
    return offer is not None and not offer.added_errors
