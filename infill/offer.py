"""What a search has to offer: finished readings with their scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from infill.batch import Denoised
from infill.candidate import Reading
from infill.rank import is_hopeless
from infill.request import Rejection


@dataclass(frozen=True, slots=True)
class Offer:
    """A finished reading with its score, and the row it was read from, or grown from. added_errors: of syntax; while a
    search goes on, those that no text could avoid too."""

    reading: Reading
    row: Denoised
    added_errors: int
    score: float
    passes: int


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came to: every reading worth an offer, best first, and why the other rows' readings are none.
    unavoidable: errors of syntax that no text is blamed for. unended: the best fills the longest hole that was tried to
    its end."""

    offers: list[Offer]
    rejections: list[Rejection]
    unavoidable: int = 0
    unended: bool = False

    def joined(self, other: Found) -> Found:
        """Both together."""
        return Found(
            self.offers + other.offers,
            self.rejections + other.rejections,
            unavoidable=min(self.unavoidable, other.unavoidable),
        )


def hopeful(offers: Sequence[Offer]) -> list[Offer]:
    """Those that the encoder might yet put first."""
    best = max((offer.score for offer in offers), default=0.0)
    return [offer for offer in offers if not is_hopeless(offer.score, best)]


def all_break(offers: Sequence[Offer], unavoidable: int = 0) -> bool:
    return all(offer.added_errors > unavoidable for offer in offers)


def by_score(offer: Offer) -> float:
    """Nats, without what is rounding: copies that the encoder finds very unlikely are often equally likely, and stay in
    their order."""
    return round(offer.score, 12)


def by_errors(offer: Offer) -> int:
    return offer.added_errors
