"""Whether an encoder can judge code."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from engine.canvas import Context, RowScores, ScoreQuery
from engine.token_set import NO_TOKENS, TokenSet
from infill.judge.score import scores_sanely
from tests.unit.infill.scripted import ScriptedDenoiser, row_scores
from tests.unit.infill.tiny import tiny_tokens


class Judge(ScriptedDenoiser):
    """An encoder that gives the first row's tokens one log-probability, and the second's another."""

    token_positions = 0

    def __init__(self, log_probs: tuple[float, float]) -> None:
        super().__init__([], tiny_tokens().size)
        self.log_probs = log_probs

    def reader(self, context: Context, *, banned_ids: TokenSet = NO_TOKENS) -> Judge:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self

    def read(self, queries: Sequence[ScoreQuery]) -> tuple[RowScores, ...]:
        return tuple(
            row_scores([value] * len(query.token_ids)) for query, value in zip(queries, self.log_probs, strict=True)
        )


@pytest.mark.parametrize(
    ("log_probs", "sane"),
    [((-1.0, -3.0), True), ((-3.0, -1.0), False), ((-9.0, -9.5), False), ((-5.0, -9.0), False)],
)
def test_an_encoder_has_to_know_code_from_noise(log_probs: tuple[float, float], sane: bool) -> None:
    assert scores_sanely(Judge(log_probs), tiny_tokens()) is sane
