"""Scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from engine.canvas import Context, Floats, TokenIds
from infill.layout import Layout, lay_out
from infill.rank import Weights, certainty, is_hopeless, likelihood, scored_row, scores_sanely
from infill.window import Budget
from tests.unit.infill.scripted import ScriptedContext, ScriptedDenoiser, request_of
from tests.unit.infill.tiny import tiny_tokens


def test_all_that_follows_the_holes_start_speaks_for_a_text() -> None:
    layout = lay_out(request_of("foo(⟦⟧)\ny = 2\n" + "total\n" * 20), tiny_tokens(), Budget())
    assert isinstance(layout, Layout)
    middles = layout.encode_middles(["bar"])
    row = scored_row(layout, middles)
    span = layout.spans([len(middles[0])])[0]
    log_probs = np.full(len(row), -100.0, np.float32)
    log_probs[span.start :] = -1.0
    assert likelihood(layout, middles, log_probs) == pytest.approx(-float(len(row) - span.start))
    assert tiny_tokens().decode(row).startswith("foo(bar)\ny")
    assert len(row) < len(layout.filled(middles))


def test_a_text_between_holes_speaks_for_the_first() -> None:
    layout = lay_out(request_of("foo⟦⟧ = 1; ⟦⟧\n"), tiny_tokens(), Budget())
    assert isinstance(layout, Layout)
    middles = layout.encode_middles(["a", "bar"])
    spans = layout.spans([len(ids) for ids in middles])
    log_probs = np.zeros(len(scored_row(layout, middles)), np.float32)
    log_probs[spans[0].stop : spans[1].start] = -1.0
    assert likelihood(layout, middles, log_probs) == pytest.approx(-float(spans[1].start - spans[0].stop))


def test_doubt_and_broken_syntax_cost() -> None:
    def score(mean_entropy: float, added_errors: int) -> float:
        return certainty(mean_entropy=mean_entropy, added_errors=added_errors, weights=Weights())

    assert score(0.0, 0) == 0
    assert score(0.5, 0) < 0
    assert score(0.0, 2) < score(0.0, 1) < 0


def test_a_text_that_breaks_more_than_the_best_need_not_be_read() -> None:
    def score(added_errors: int) -> float:
        return certainty(mean_entropy=1.0, added_errors=added_errors, weights=Weights())

    assert is_hopeless(score(3), best=score(2))
    assert not is_hopeless(score(2), best=score(2))


class Judge(ScriptedDenoiser):
    """An encoder that gives the first row's tokens one log-probability, and the second's another."""

    def __init__(self, log_probs: tuple[float, float]) -> None:
        super().__init__([], tiny_tokens().size)
        self.log_probs = log_probs

    def score(self, context: Context, rows: Sequence[TokenIds]) -> tuple[Floats, ...]:
        assert isinstance(context, ScriptedContext)
        return tuple(np.full(len(row), value, np.float32) for row, value in zip(rows, self.log_probs, strict=True))


@pytest.mark.parametrize(
    ("log_probs", "sane"),
    [((-1.0, -3.0), True), ((-3.0, -1.0), False), ((-9.0, -9.5), False), ((-5.0, -9.0), False)],
)
def test_an_encoder_has_to_know_code_from_noise(log_probs: tuple[float, float], sane: bool) -> None:
    assert scores_sanely(Judge(log_probs), tiny_tokens()) is sane
