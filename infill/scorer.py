"""The encoder's part of a search: it scores what was denoised, and what it writes itself."""

from __future__ import annotations

from collections.abc import Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np

from engine.canvas import TokenIds
from infill.batch import Denoised
from infill.beam import Hypothesis, Stem
from infill.candidate import Reading, doubted, written
from infill.layout import Layout
from infill.meter import Meter
from infill.mode import HoleMode
from infill.offer import Offer, all_break
from infill.rank import Weights, likelihood, mixed, read_score, unread_score
from infill.request import Progress
from infill.statements import Statements
from infill.writer import MOST_PARSED, Extension, Goal, Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """What judges the readings of one search.

    copies: texts that a single hole may hold, with how likely each is copied from elsewhere. extension: None where the
        encoder adds no texts of its own.
    """

    mode: HoleMode
    layout: Layout
    statements: Statements
    copies: Mapping[str, float]
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
        """Offers with what the encoder makes of them, beside them those of the copies, and its own, down to the first
        few (`wanted`) that are whole. row: one that its own texts are grown from. most_doubt: see
        `infill.gate.admitted`."""
        if not self.weights.likelihood or not (offers or self.copies or self.extension):
            return list(offers)
        middles = [self.layout.encode_middles(offer.reading.texts) for offer in offers]
        copied = self._copied({offer.reading.texts for offer in offers})
        begun = [*middles, *copied] or [(np.zeros(0, np.int32),)]
        scores = self.writer.read(begun)
        yield Progress(stage="score")
        rows, others = scores.rows[: len(offers)], scores.rows[len(offers) :]
        scored = [
            self._read_offer(replace(offer, reading=doubted(offer.reading, texts, own, self.layout)), likelihood(own))
            for offer, texts, own in zip(offers, middles, rows, strict=True)
        ]
        for (ids,), own in zip(copied, others, strict=False):  # Where there is nothing at all, an empty text was read.
            text = Hypothesis.whole(tuple(ids.tolist()), own)
            offer = self._written(Stem((text,), text.log_prob), row)
            scored += [] if offer is None else [offer]
        if self.extension is None or self.belong_elsewhere(scored):
            return scored
        own = cache(partial(self._written, row=row))
        goal = Goal(wanted, lambda stem: _is_whole(own(stem)), self._least(scored, wanted, most_doubt))
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

    def _copied(self, known: Collection[tuple[str, ...]]) -> list[tuple[TokenIds, ...]]:
        """The tokens of the copies that no row holds and that have room."""
        exact, room = self.writer.exact, self.layout.room
        middles = [self.layout.encode_middles((text,)) for text in self.copies if (text,) not in known]
        return [(ids,) for (ids,) in middles if (len(ids) <= room if exact is None else len(ids) == exact)]

    def _least(self, scored: Sequence[Offer], wanted: int, most_doubt: float | None) -> float:
        """Nats that the encoder has to give a text that is worth writing: what is whole already is not likelier, and it
        would be shown. A text on one line is doubted as a whole; of several holes' texts, each by itself."""
        whole = sorted((offer.score for offer in scored if _is_whole(offer)), reverse=True)
        least = whole[wanted - 1] if len(whole) >= wanted else -np.inf
        if most_doubt is not None and len(self.layout.edges) == 1:
            least = max(least, -most_doubt)
        return least - mixed(0.0, 0.0, sum(self.copies.values()))

    def _written(self, stem: Stem, row: Denoised) -> Offer | None:
        """A text that the encoder has read left to right, as an offer; None where it is none. One that is copied may
        have several lines where the hole lies within one."""
        mode = "across" if self.mode == "within" else self.mode
        with self.meter.timed("rank"):
            reading = written(stem.texts, self.layout, mode)
            return None if reading is None else self._read_offer(self.offer(reading, row), stem.log_prob)

    def _read_offer(self, offer: Offer, log_prob: float) -> Offer:
        """An offer once the encoder has read it."""
        copied = self.copies.get(offer.reading.texts[0], 0.0)
        nats = mixed(log_prob, copied, sum(self.copies.values()))
        score = read_score(nats, added_errors=offer.added_errors, weights=self.weights)
        reading = offer.reading.likelier(nats - log_prob)
        return replace(offer, reading=reading, score=score, passes=self.meter.passes)


def _is_whole(offer: Offer | None) -> bool:
    return offer is not None and not offer.added_errors
