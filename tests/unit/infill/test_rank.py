"""Scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from engine.canvas import Context, Scores, TokenIds
from infill.layout import Layout, lay_out
from infill.rank import Weights, is_hopeless, likelihood, read_score, scored_row, scores_sanely, unread_score
from infill.window import Budget
from tests.unit.infill.scripted import ScriptedContext, ScriptedDenoiser, request_of, row_scores
from tests.unit.infill.tiny import tiny_tokens


@pytest.mark.parametrize(
    ("marked", "scored"), [("foo(⟦⟧)\ny = 2\n", "foo(bar)\n"), ("foo[⟦⟧", "foo[bar\n"), ("foo[⟦⟧]", "foo[bar]")]
)
def test_a_text_is_read_with_what_ends_it(marked: str, scored: str) -> None:
    layout = lay_out(request_of(marked), tiny_tokens(), Budget())
    assert isinstance(layout, Layout)
    assert tiny_tokens().decode(scored_row(layout, layout.encode_middles(["bar"]))) == scored


def test_doubt_costs_what_nobody_has_read() -> None:
    assert read_score(-2.0, added_errors=0, weights=Weights()) == -2.0
    assert read_score(-2.0, added_errors=1, weights=Weights()) < -2.0 - 10.0


def test_a_text_between_holes_speaks_for_the_first() -> None:
    layout = lay_out(request_of("foo⟦⟧ = 1; ⟦⟧\n"), tiny_tokens(), Budget())
    assert isinstance(layout, Layout)
    middles = layout.encode_middles(["a", "bar"])
    spans = layout.spans([len(ids) for ids in middles])
    log_probs = np.zeros(len(scored_row(layout, middles)), np.float32)
    log_probs[spans[0].stop : spans[1].start] = -1.0
    asked = row_scores(log_probs[spans[0].start :].tolist())
    assert likelihood(asked) == pytest.approx(-float(spans[1].start - spans[0].stop))


def test_doubt_and_broken_syntax_cost() -> None:
    def score(mean_entropy: float, added_errors: int) -> float:
        return unread_score(mean_entropy=mean_entropy, added_errors=added_errors, weights=Weights())

    assert score(0.0, 0) == 0
    assert score(0.5, 0) < 0
    assert score(0.0, 2) < score(0.0, 1) < 0


def test_a_text_that_breaks_more_than_the_best_need_not_be_read() -> None:
    def score(added_errors: int) -> float:
        return unread_score(mean_entropy=1.0, added_errors=added_errors, weights=Weights())

    assert is_hopeless(score(3), best=score(2))
    assert not is_hopeless(score(2), best=score(2))


class Judge(ScriptedDenoiser):
    """An encoder that gives the first row's tokens one log-probability, and the second's another."""

    def __init__(self, log_probs: tuple[float, float]) -> None:
        super().__init__([], tiny_tokens().size)
        self.log_probs = log_probs

    def score(self, context: Context, rows: Sequence[TokenIds], **asked: object) -> Scores:
        assert isinstance(context, ScriptedContext)
        scores = (row_scores([value] * len(row)) for row, value in zip(rows, self.log_probs, strict=True))
        return Scores(rows=tuple(scores), token_positions=0)


@pytest.mark.parametrize(
    ("log_probs", "sane"),
    [((-1.0, -3.0), True), ((-3.0, -1.0), False), ((-9.0, -9.5), False), ((-5.0, -9.0), False)],
)
def test_an_encoder_has_to_know_code_from_noise(log_probs: tuple[float, float], sane: bool) -> None:
    assert scores_sanely(Judge(log_probs), tiny_tokens()) is sane
