"""When the encoder has written enough."""

from __future__ import annotations

import numpy as np
import pytest

from infill.beam import Hypothesis, Stem
from infill.writer import MOST_PARSED, Goal

TEXTS = [Stem((Hypothesis((i,), (nats,), (0.0,)),), nats) for i, nats in enumerate((-1.0, -2.0, -3.0))]


@pytest.mark.parametrize(
    ("wanted", "good", "bound"),
    [
        (1, {0, 1, 2}, -1.0),
        (1, {2}, -3.0),  # What is likelier is broken, and something whole may yet be found that is likelier than this.
        (2, {0, 2}, -3.0),
        (2, {1}, -np.inf),
    ],
)
def test_nothing_is_read_that_cannot_be_among_the_likeliest_good_texts(
    wanted: int, good: set[int], bound: float
) -> None:
    assert Goal(wanted, lambda stem: stem.middles[0][0] in good).bound(TEXTS) == bound


def test_nothing_is_read_that_is_not_worth_it() -> None:
    assert Goal(1, lambda _: False, least=-2.5).bound(TEXTS) == -2.5
    assert Goal(1, lambda _: True, least=-2.5).bound(TEXTS) == -1.0


def test_only_the_likeliest_texts_are_looked_at() -> None:
    looked_at: list[Stem] = []

    def is_good(stem: Stem) -> bool:
        looked_at.append(stem)
        return False

    Goal(1, is_good).bound(TEXTS * MOST_PARSED)
    assert looked_at == (TEXTS * MOST_PARSED)[:MOST_PARSED]
