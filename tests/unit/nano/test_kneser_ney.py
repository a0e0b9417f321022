"""The n-gram is a distribution, and equals the textbook's formula worked out with dictionaries."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from bench.nano.kneser_ney import KneserNey

VOCABULARY = 5
IDS = np.random.default_rng(0).integers(0, VOCABULARY, 60)


def textbook(history: tuple[int, ...], word: int) -> float:
    """p(word | history) by recursion over dictionaries."""
    return _probability(list(IDS), len(history) + 1, len(history) + 1, history, word)


def _probability(ids: list[int], order: int, highest: int, history: tuple[int, ...], word: int) -> float:
    if order == 0:
        return 1 / VOCABULARY
    grams = Counter(tuple(ids[i : i + order]) for i in range(len(ids) - order + 1))
    if order < highest:
        longer = {tuple(ids[i : i + order + 1]) for i in range(len(ids) - order)}
        grams = Counter(gram[1:] for gram in longer)
    ones, twos = (sum(count == n for count in grams.values()) for n in (1, 2))
    discount = ones / (ones + 2 * twos) if ones else 0.5
    following = {gram: count for gram, count in grams.items() if gram[:-1] == history}
    lower = _probability(ids, order - 1, highest, history[1:], word)
    if not following:
        return lower
    total = sum(following.values())
    kept = max(following.get((*history, word), 0) - discount, 0) / total
    return kept + discount * len(following) / total * lower


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_matches_the_textbook(order: int) -> None:
    model = KneserNey(IDS, order=order, vocabulary=VOCABULARY)
    for start in range(0, 40, 7):
        history = tuple(int(i) for i in IDS[start : start + order - 1])
        nats = [model.nats(np.array([*history, word]))[-1] for word in range(VOCABULARY)]
        assert sum(math.exp(-n) for n in nats) == pytest.approx(1)
        for word in range(VOCABULARY):
            assert math.exp(-nats[word]) == pytest.approx(textbook(history, word))


def test_first_tokens_use_the_context_there_is() -> None:
    trigram, unigram = (KneserNey(IDS, order=order, vocabulary=VOCABULARY) for order in (3, 1))
    assert len(trigram.nats(IDS[:4])) == 4
    assert np.isfinite(trigram.nats(np.array([4]))).all()
    assert len(unigram.nats(IDS[:1])) == 1
