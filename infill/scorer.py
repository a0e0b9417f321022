"""The encoder's part of a search: it scores what was denoised, and goes on from there with texts of its own.

A row of a hole's true length rarely holds all of the right text, but often its beginning; and what a decoder that sees
both sides makes of many tokens at once, the encoder, one token at a time, makes good (`bench/README.md` has the
figures).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.canvas import Context, Denoiser, Scores, TokenIds
from infill.batch import Denoised
from infill.beam import Beam
from infill.candidate import Reading, doubted, written
from infill.layout import Layout
from infill.meter import Meter
from infill.mode import HoleMode
from infill.offer import Offer, all_break, by_score
from infill.rank import Weights, end_id, likelihood, read_score, scored_row, unread_score
from infill.request import Progress
from infill.statements import Statements

# The encoder's own texts whose syntax is looked at.
_MOST_PARSED = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """How far the encoder goes on from rows.

    denoising_steps: of these rows, whose last tokens need not have settled.
    passes: of the encoder, after the one that scores what was denoised.
    width: hypotheses that a pass reads.
    """

    denoising_steps: int
    passes: int
    width: int = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """What reads texts left to right for one search.

    extension: None where the encoder adds no texts of its own. banned_ids: that no hole may hold. exact: how many
    tokens a hole's text has, None where nobody knows.
    """

    mode: HoleMode
    layout: Layout
    statements: Statements
    denoiser: Denoiser
    context: Context
    meter: Meter
    weights: Weights
    extension: Extension | None
    banned_ids: frozenset[int]
    exact: int | None

    def offer(self, reading: Reading, row: Denoised) -> Offer:
        """A reading with what its score is before the encoder has read it."""
        errors = self.statements.errors(reading.texts)
        score = unread_score(mean_entropy=reading.mean_entropy, added_errors=errors, weights=self.weights)
        return Offer(reading, row, errors, score, self.meter.passes)

    def score(self, offers: Sequence[Offer], *, wanted: int) -> Generator[Progress, None, list[Offer]]:
        """Offers with what the encoder makes of them, and its own besides, down to the first few (`wanted`) that are
        whole."""
        if not offers or not self.weights.likelihood:
            return list(offers)
        middles = [self.layout.encode_middles(offer.reading.texts) for offer in offers]
        scores = yield from self._read(middles)
        scored = [
            replace(
                self._read_offer(offer, likelihood(row)),
                reading=doubted(offer.reading, own, row, self.layout),
                passes=self.meter.passes,
            )
            for offer, own, row in zip(offers, middles, scores.rows, strict=True)
        ]
        # Where nothing within a line is whole, its sides may belong to different lines, and the passes go there.
        if self.extension is None or (self.mode == "within" and all_break(scored)):
            return scored
        beam = self._beam()
        for (own,), row in zip(middles, scores.rows, strict=True):
            beam.learn(tuple(own.tolist()), row)
        yield from self._extend(beam, self.extension, scores)
        with self.meter.timed("rank"):
            return scored + self._written(beam, scored, wanted)

    def _beam(self) -> Beam:
        barred = self.banned_ids | self.layout.tokens.newline_ids
        return Beam(end_id=end_id(self.layout), barred=barred, exact=self.exact)

    def _extend(self, beam: Beam, extension: Extension, scores: Scores) -> Generator[Progress, None, None]:
        """Read the likeliest hypotheses, and those that they name, while the time allows. scores: of what was read so
        far."""
        for _ in range(extension.passes):
            likeliest = beam.likeliest(extension.width)
            if not likeliest or self.meter.late:
                return
            rows = [(np.array(ids, np.int32),) for ids in likeliest]
            scores = yield from self._read(rows, after=scores)
            for ids, row in zip(likeliest, scores.rows, strict=True):
                beam.learn(ids, row)

    def _written(self, beam: Beam, scored: Sequence[Offer], wanted: int) -> list[Offer]:
        """Offers of the encoder's own texts, the likeliest first."""
        known = {offer.reading.texts for offer in scored}
        row = max(scored, key=by_score).row
        offers: list[Offer] = []
        for hypothesis, end in beam.texts():
            if len(offers) == _MOST_PARSED or sum(not offer.added_errors for offer in offers) == wanted:
                break
            reading = written(hypothesis, end, self.layout, self.mode)
            if reading is not None and reading.texts not in known:
                offers.append(self._read_offer(self.offer(reading, row), hypothesis.log_prob + end))
        return offers

    def _read_offer(self, offer: Offer, log_prob: float) -> Offer:
        """An offer with its score once the encoder has read it."""
        score = read_score(log_prob, added_errors=offer.added_errors, weights=self.weights)
        return replace(offer, score=score)

    def _read(
        self, middles: Sequence[Sequence[TokenIds]], after: Scores | None = None
    ) -> Generator[Progress, None, Scores]:
        """Read texts left to right with one forward. after: what came of reading their beginnings, of which nothing
        more is asked."""
        start = len(self.layout.clamped[0])
        with self.meter.timed("rank"):
            scores = self.denoiser.score(
                self.context,
                [scored_row(self.layout, middle) for middle in middles],
                begins=[start + len(middle[0]) * (after is not None) for middle in middles],
                after=after,
                banned_ids=self.banned_ids,
                allowed=self._allowed(start),
            )
        self.meter.count_forward(scores.token_positions)
        yield Progress(stage="score")
        return scores

    def _allowed(self, start: int) -> dict[int, frozenset[int]]:
        """What the first token may be: one that begins with the characters known before it."""
        head = self.layout.edges[0].head
        return {start: self.layout.tokens.starting_with(head)} if head else {}
