"""The one order of candidates: what the encoder finds likeliest, less what speaks against a text."""

from __future__ import annotations

from collections.abc import Iterable

from infill.profile import Weights
from infill.proposal import Scored


def rank_score(scored: Scored, weights: Weights) -> float:
    """What a candidate is worth, nats, 0 at best."""
    return (
        scored.log_prob
        - weights.syntax_error * scored.syntax_errors
        - weights.misplaced * scored.flaws.misplaced
        - weights.unknown_word * scored.flaws.unknown_words
    )


def ranked(pool: Iterable[Scored], weights: Weights) -> list[Scored]:
    """Each text once, best first."""
    # Rounded, so that texts which are equally likely keep their order on every machine.
    ordered = sorted(pool, key=lambda scored: round(rank_score(scored, weights), 9), reverse=True)
    best: dict[tuple[str, ...], Scored] = {}
    for scored in ordered:
        best.setdefault(scored.texts, scored)
    return list(best.values())
