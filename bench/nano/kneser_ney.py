"""Interpolated Kneser-Ney n-gram over token ids: the yardstick that the encoder's cross-entropy has to beat.

One absolute discount an order; lower orders count after how many different tokens an n-gram was seen, not how often.
Distinct n-grams are numbered order by order, each as the number of its first tokens and its last token, so that any
order over tens of millions of tokens is a few sorts. Source: Chen and Goodman, "An Empirical Study of Smoothing
Techniques for Language Modeling", 1998.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Ids: TypeAlias = NDArray[np.integer]
_Numbers: TypeAlias = NDArray[np.int64]
_Floats: TypeAlias = NDArray[np.float64]

_UNSEEN = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """One order's n-grams, numbered from 0.

    keys: ascending; the number of the n-gram's first n - 1 tokens times the vocabulary's size, plus its last token.
    counts: by n-gram. totals, types: by (n - 1)-gram; the sum of the counts of its continuations, and how many differ.
    """

    keys: _Numbers
    counts: _Numbers
    totals: _Numbers
    types: _Numbers
    discount: float


class KneserNey:
    """A fitted model of one order; order 1 is the unigram."""

    def __init__(self, ids: Ids, *, order: int, vocabulary: int) -> None:
        """Fit to a sequence of more than `order` ids below `vocabulary`."""
        self._vocabulary = vocabulary
        tokens = ids.astype(np.int64)
        keys: list[_Numbers] = []
        ends: list[_Numbers] = []
        numbers: list[_Numbers] = [np.zeros(len(tokens) + 1, np.int64)]
        for length in range(1, order + 1):
            # numbers[n][i] is the n-gram that ends with the i-th of the tokens that have n - 1 before them.
            here = numbers[-1][:-1] * vocabulary + tokens[length - 1 :]
            distinct, first, number = np.unique(here, return_index=True, return_inverse=True)
            keys.append(distinct)
            ends.append(first)
            numbers.append(number)
        counts = np.bincount(numbers[order])
        self._orders: list[_Order] = []
        for length in range(order, 0, -1):
            self._orders.insert(0, _counted(keys[length - 1], counts, vocabulary))
            # An n-gram less its first token ends where it does; each distinct one counts once for its shorter form.
            counts = np.bincount(numbers[length - 1][ends[length - 1] + 1], minlength=len(keys[length - 2]))

    def nats(self, ids: Ids) -> _Floats:
        """[N] -log p of every token, from as many tokens before it as there are, up to the order's."""
        tokens = ids.astype(np.int64)
        probability = np.full(len(tokens), 1 / self._vocabulary)
        context = np.zeros(len(tokens), np.int64)
        for fitted in self._orders:
            grams = _number_of(fitted.keys, np.where(context == _UNSEEN, _UNSEEN, context * self._vocabulary + tokens))
            probability = _interpolated(fitted, grams, context, probability)
            # The next order's contexts end one token earlier.
            context = np.concatenate(([_UNSEEN], grams[:-1]))
        return -np.log(probability)


def _counted(keys: _Numbers, counts: _Numbers, vocabulary: int) -> _Order:
    contexts = keys // vocabulary
    once, twice = np.count_nonzero(counts == 1), np.count_nonzero(counts == 2)
    return _Order(
        keys=keys,
        counts=counts,
        totals=np.bincount(contexts, weights=counts).astype(np.int64),
        types=np.bincount(contexts),
        discount=once / (once + 2 * twice) if once else 0.5,
    )


def _number_of(keys: _Numbers, wanted: _Numbers) -> _Numbers:
    """Where each wanted key stands, or `_UNSEEN`."""
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, place, _UNSEEN)


def _interpolated(fitted: _Order, grams: _Numbers, contexts: _Numbers, lower: _Floats) -> _Floats:
    """p = max(c(h, w) - d, 0) / c(h) + d t(h) / c(h) times the lower order's; that one alone after an unseen h."""
    inside = np.where((contexts == _UNSEEN) | (contexts >= len(fitted.totals)), 0, contexts)
    totals = np.where(contexts == inside, fitted.totals[inside], 0)
    counts = np.where(grams == _UNSEEN, 0, fitted.counts[grams])
    seen = np.maximum(totals, 1)
    kept = np.maximum(counts - fitted.discount, 0) / seen
    return np.where(totals > 0, kept + fitted.discount * fitted.types[inside] / seen * lower, lower)
