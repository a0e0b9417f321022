"""A published way to find a hole's length, for comparison: the first step's confidence, corrected for the bias that
lengths themselves have, climbed from a first guess.

Source: "CAL", arXiv 2602.00476, made for models with a mask token; here the hole starts from random tokens. The bias is
fitted on tuning cases, and what that costs is not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean

import numpy as np

GRID = (1, 2, 4, 8, 16, 32, 64)
_START: Mapping[str, int] = {"line": 8, "block": 32}
_STEPS = (8, 4, 2, 1)

Confidence = Callable[[int], float]
"""Mean probability of the likeliest tokens in a hole of so many tokens, after one step."""


@dataclass(frozen=True, slots=True)
class Bias:
    """Mean confidence by length; between those measured it is read off a line over the logarithm of the length."""

    means: Mapping[int, float]

    @classmethod
    def fit(cls, confidences: Iterable[Mapping[int, float]]) -> Bias:
        """From the confidences of cases, by length; the same lengths of every case."""
        cases = list(confidences)
        return cls({length: fmean(case[length] for case in cases) for length in cases[0]})

    def at(self, length: int) -> float:
        """The confidence that a hole of this length has whatever belongs in it."""
        lengths = sorted(self.means)
        return float(np.interp(np.log(length), np.log(lengths), [self.means[known] for known in lengths]))


def climb(confidence: Confidence, bias: Bias, *, start: int, most: int) -> int:
    """The length from which no step up or down raises the corrected confidence, from long steps to short ones."""
    known: dict[int, float] = {}

    def corrected(length: int) -> float:
        if length not in known:
            known[length] = confidence(length) / bias.at(length)
        return known[length]

    best = min(start, most)
    for step in _STEPS:
        while True:
            around = [length for length in (best - step, best + step) if 1 <= length <= most]
            better = max(around, key=corrected, default=best)
            if corrected(better) <= corrected(best):
                break
            best = better
    return best


def first_guess(mode: str) -> int:
    """Where the climb starts."""
    return _START[mode]
