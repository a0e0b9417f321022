"""The one order of candidates: what the encoder finds likeliest, less what speaks against a text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heapify, heappop, heappush

from infill.profile import Weights
from infill.proposal import Scored


def rank_score(scored: Scored, weights: Weights) -> float:
    """What a candidate is worth, nats, 0 at best."""
    flaws = scored.flaws()
    return (
        scored.log_prob
        - weights.syntax_error * flaws.syntax_errors
        - weights.misplaced * flaws.misplaced
        - weights.unknown_word * flaws.unknown_words
    )


def ranked(pool: Iterable[Scored], weights: Weights) -> Iterator[Scored]:
    """Candidates, best first. Flaws are looked for only where a text might be the next one without any."""
    # Rounded, so that texts which are equally likely keep their order on every machine.
    waiting = [(-round(scored.log_prob, 9), number, scored, False) for number, scored in enumerate(pool)]
    heapify(waiting)
    while waiting:
        _, number, scored, is_weighed = heappop(waiting)
        if is_weighed:
            yield scored
        else:
            heappush(waiting, (-round(rank_score(scored, weights), 9), number, scored, True))
