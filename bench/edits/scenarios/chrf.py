"""chrF: how alike two texts are by their n-grams of characters, from 0 to 100, recall weighing more than precision.

Source: Popović, "chrF: character n-gram F-score for automatic MT evaluation" (2015), with n = 6 and β = 2; the scores
of the orders are averaged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

ORDER = 6
BETA = 2.0


def chrf(candidate: str, reference: str) -> float:
    """The score of a candidate. Orders that neither text is long enough for are left out; two empty texts are alike."""
    orders = [(_ngrams(candidate, n), _ngrams(reference, n)) for n in range(1, ORDER + 1)]
    scores = [_f_score(own, others) for own, others in orders if own or others]
    return 100 * sum(scores) / len(scores) if scores else 100.0


def delta_chrf(before: str, candidate: str, reference: str) -> float:
    """The score of the lines that a candidate has changed against those that the reference has."""
    return chrf(_changed(before, candidate), _changed(before, reference))


def _ngrams(text: str, n: int) -> Counter[str]:
    return Counter(text[i : i + n] for i in range(len(text) - n + 1))


def _f_score(own: Counter[str], others: Counter[str]) -> float:
    shared = (own & others).total()
    if not shared:
        return 0.0
    precision, recall = shared / own.total(), shared / others.total()
    return (1 + BETA**2) * precision * recall / (BETA**2 * precision + recall)


def _changed(before: str, after: str) -> str:
    """The lines of a text that another one does not begin or end with."""
    old, new = before.split("\n"), after.split("\n")
    head = _alike(old, new)
    tail = _alike(old[head:][::-1], new[head:][::-1])
    return "\n".join(new[head : len(new) - tail])


def _alike(some: Sequence[str], others: Sequence[str]) -> int:
    """How many lines two texts both begin with."""
    count = 0
    while count < min(len(some), len(others)) and some[count] == others[count]:
        count += 1
    return count
