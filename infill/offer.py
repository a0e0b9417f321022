"""What a search has to offer: finished readings with their scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from infill.batch import Denoised
from infill.candidate import Reading
from infill.rank import Weights, is_hopeless
from infill.request import Rejection
from infill.statements import Statements

# Offers whose damage to the window is counted.
_MOST_WEIGHED = 12


@dataclass(frozen=True, slots=True)
class Offer:
    """A finished reading with its score, and the row it was read from, or grown from. added_errors: of syntax; while a
    search goes on, those that no text could avoid too. flaw_cost: nats that its other flaws cost, counted in the
    score."""

    reading: Reading
    row: Denoised
    added_errors: int
    score: float
    passes: int
    flaw_cost: float = 0.0


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


def ordered(found: Found, statements: Statements, weights: Weights) -> list[Offer]:
    """The offers, best first, each blamed for no more than its own errors. Where the best does damage in the whole
    window, the first few are weighed again: half of that is feigned by what the window cuts in two, so that it counts
    for less than an error."""
    fewest = min([found.unavoidable, *(offer.added_errors for offer in found.offers)])
    offers = sorted((_blamed(offer, fewest, weights) for offer in found.offers), key=by_score, reverse=True)
    if not offers or not statements.damage(offers[0].reading.texts):
        return offers
    weighed = [_weighed(offer, statements, weights) for offer in offers[:_MOST_WEIGHED]]
    return sorted(weighed, key=by_score, reverse=True) + offers[_MOST_WEIGHED:]


def all_break(offers: Sequence[Offer], unavoidable: int = 0) -> bool:
    return all(offer.added_errors > unavoidable for offer in offers)


def by_score(offer: Offer) -> float:
    """Nats, without what is rounding: copies that the encoder finds very unlikely are often equally likely, and stay in
    their order."""
    return round(offer.score, 12)


def by_errors(offer: Offer) -> int:
    return offer.added_errors


def _blamed(offer: Offer, unavoidable: int, weights: Weights) -> Offer:
    """An offer without the errors that no text could avoid."""
    errors = offer.added_errors - unavoidable
    return replace(offer, added_errors=errors, score=offer.score + weights.error * unavoidable)


def _weighed(offer: Offer, statements: Statements, weights: Weights) -> Offer:
    """An offer that pays for any damage in the whole window."""
    return replace(offer, score=offer.score - weights.damage * bool(statements.damage(offer.reading.texts)))
