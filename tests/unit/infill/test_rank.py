"""Scores."""

from __future__ import annotations

import numpy as np
import pytest

from infill.layout import Layout, lay_out
from infill.rank import certainty, likelihood, scored_row
from infill.window import Budget
from tests.unit.infill.scripted import request_of
from tests.unit.infill.tiny import tiny_tokens


def test_half_the_likelihood_is_the_candidates_and_half_the_suffixs() -> None:
    layout = lay_out(request_of("x = foo(⟦⟧)\ny = 2\n" + "total\n" * 20), tiny_tokens(), Budget())
    assert isinstance(layout, Layout)
    middles = layout.encode_middles(["bar"])
    row = scored_row(layout, middles)
    span = layout.spans([len(middles[0])])[0]
    log_probs = np.full(len(row), -100.0, np.float32)
    log_probs[span] = -1.0
    log_probs[span.stop :] = -3.0
    assert likelihood(layout, middles, log_probs) == pytest.approx(-2.0)
    assert tiny_tokens().decode(row).startswith("x = foo(bar)\ny = 2")
    assert len(row) < len(layout.filled(middles))


def test_a_text_between_holes_speaks_for_the_first() -> None:
    layout = lay_out(request_of("foo⟦⟧ = 1; ⟦⟧\n"), tiny_tokens(), Budget())
    assert isinstance(layout, Layout)
    middles = layout.encode_middles(["a", "bar"])
    spans = layout.spans([len(ids) for ids in middles])
    log_probs = np.zeros(len(scored_row(layout, middles)), np.float32)
    log_probs[spans[0].stop : spans[1].start] = -1.0
    assert likelihood(layout, middles, log_probs) < 0


def test_doubt_and_broken_syntax_cost() -> None:
    best = certainty(mean_entropy=0.0, added_errors=0)
    assert best == 0
    assert certainty(mean_entropy=0.5, added_errors=0) < best
    assert certainty(mean_entropy=0.0, added_errors=2) < certainty(mean_entropy=0.0, added_errors=1) < best
