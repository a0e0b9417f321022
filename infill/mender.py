"""From rows to offers: what they read, and other readings of those that break the syntax."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from engine.canvas import RowState
from infill.batch import Denoised
from infill.candidate import Reading, exchanges, read_row, repairs
from infill.layout import Layout
from infill.mode import HoleMode
from infill.offer import Offer, all_break, by_errors
from infill.request import Rejection
from infill.scorer import Scorer

# Forms of a text that are tried across lines, where there are more of them, for each ending that is tried within one.
_JOINTS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Mender:
    """most_repairs: other endings tried of a reading that breaks the syntax, and other tokens. bridges: texts that a
    hole across lines may be like."""

    mode: HoleMode
    layout: Layout
    scorer: Scorer
    most_repairs: int
    bridges: Sequence[str]

    def offers(self, rows: Sequence[Denoised], rejections: list[Rejection]) -> list[Offer]:
        """What the rows read, each text once, with what its score is before the encoder has read it. rejections: takes
        those of the other rows."""
        readings: dict[tuple[str, ...], tuple[Reading, Denoised]] = {}
        for row in rows:
            reading = read_row(*self._read(row))
            if isinstance(reading, Rejection):
                rejections.append(reading)
            else:
                readings.setdefault(reading.texts, (reading, row))
        return [self.scorer.offer(reading, row) for reading, row in readings.values()]

    def mended(self, offers: list[Offer], unavoidable: int) -> list[Offer]:
        """The offers, each text once, broken ones in another reading of their row that breaks the syntax less. Where
        some are whole, no other is tried, but within a line, since no line end shows there that a row is too long. What
        replaces a text stays as it is, since its end would be lost. unavoidable: errors that no text is blamed for."""
        if not any(self.layout.middles):
            wanted = self.mode == "within" or all_break(offers, unavoidable)
            tries = self.most_repairs if wanted else 0
            forms = tries * _JOINTS if self.bridges else tries
            offers = [
                self._best_of(each, repairs(each.reading, *self._read(each.row), self.bridges), forms, unavoidable)
                for each in offers
            ]
            if all_break(offers, unavoidable):
                offers = [self._best_of(each, exchanges(*self._read(each.row)), tries, unavoidable) for each in offers]
        return list({offer.reading.texts: offer for offer in reversed(offers)}.values())

    def _best_of(self, offer: Offer, others: Iterator[Reading], tries: int, unavoidable: int) -> Offer:
        """The offer, or the one among the first few other readings of its row, as far as there is time for them, that
        breaks the syntax least."""
        for reading in islice(others, tries):
            if offer.added_errors <= unavoidable or self.scorer.meter.late:
                break
            offer = min(offer, self.scorer.offer(reading, offer.row), key=by_errors)
        return offer

    def _read(self, row: Denoised) -> tuple[RowState, tuple[int, ...], Layout, HoleMode]:
        """What a reading of a row is taken from."""
        return row.state, row.lengths, self.layout, self.mode
