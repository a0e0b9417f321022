"""Readings: what of a row's tokens belongs in its hole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.canvas import Floats, RowState, TokenIds
from infill.candidate import Reading, exchanges, kept_tokens, read_row
from infill.gate import first_line
from infill.layout import Layout, lay_out
from infill.window import Budget
from tests.unit.infill.scripted import request_of
from tests.unit.infill.tiny import tiny_tokens


def layout_of(marked: str) -> Layout:
    layout = lay_out(request_of(marked), tiny_tokens(), Budget())
    assert isinstance(layout, Layout)
    return layout


def row(token_ids: TokenIds, entropy: Floats) -> RowState:
    size = len(token_ids)
    return RowState(
        argmax_ids=token_ids,
        entropy=entropy,
        present_nll=np.zeros(size, np.float32),
        top_ids=token_ids[:, None],
        top_log_probs=np.zeros((size, 1), np.float32),
        accepted=np.ones(size, np.bool_),
        settled=True,
    )


def written(layout: Layout, text: str) -> tuple[RowState, tuple[int]]:
    """A row whose hole holds a text, each token of it surer by a tenth than the next; and its length."""
    middles = layout.encode_middles([text])
    [span] = layout.spans([len(middles[0])])
    canvas = layout.filled(middles)
    entropy = np.zeros(len(canvas), np.float32)
    entropy[span] = 0.1 * np.arange(1, len(middles[0]) + 1)
    return row(canvas.token_ids, entropy), (len(middles[0]),)


@pytest.mark.parametrize(
    ("marked", "text", "kept"),
    [
        ("x=⟦⟧\n", "foo", 1),
        ("x=⟦⟧\n", "foo(bar)", 4),
        # Blanks at a line's end, the rest of the line again, and a line too many.
        ("x=⟦⟧\n", "foo  ", 1),
        ("x = foo(⟦⟧)\n", "bar)", 3),
        ("x=⟦⟧\ny = 2\n", "foo\nz = 3", 1),
        # What is known of the hole's end keeps its token.
        ("x=⟦⟧tal\n", "foo.", 3),
        # Nothing of it belongs there, so nothing says how long it should be.
        ("x=⟦⟧\n", "  ", 1),
    ],
)
def test_the_tokens_that_a_finished_text_keeps(marked: str, text: str, kept: int) -> None:
    layout = layout_of(marked)
    state, lengths = written(layout, text)
    assert kept_tokens(state, lengths, 0, layout, "line") == kept


def test_a_token_is_exchanged_where_that_loses_least() -> None:
    layout = layout_of("x=⟦⟧\n")
    state, lengths = written(layout, "foo.bar")
    total, comma = (int(layout.tokens.encode(text)[0]) for text in ("total", ","))
    [span] = layout.spans(lengths)
    top_ids = np.repeat(state.argmax_ids[:, None], 3, axis=1)
    top_log_probs = np.full(top_ids.shape, -np.inf, np.float32)
    top_log_probs[:, 0] = -0.1
    top_ids[span.start, 1], top_log_probs[span.start, 1] = total, -4.0
    top_ids[span.start + 1, 1:], top_log_probs[span.start + 1, 1:] = (comma, total), (-2.0, -9.0)
    row = replace(state, top_ids=top_ids, top_log_probs=top_log_probs)
    assert [reading.texts for reading in exchanges(row, lengths, layout, "line")] == [
        ("foo,bar",),
        ("total.bar",),
        ("foototalbar",),
    ]


def test_doubt_is_over_the_tokens_kept() -> None:
    layout = layout_of("x=⟦⟧\n")
    reading = read_row(*written(layout, "foo("), layout, "line")
    assert isinstance(reading, Reading)
    assert (reading.mean_entropy, reading.worst_entropy) == (pytest.approx(0.15), pytest.approx(0.2))
    cut = read_row(*written(layout, "foo  "), layout, "line")
    assert isinstance(cut, Reading)
    assert cut.worst_entropy == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("text", "first"), [("foo\nbar", "foo"), ("\nfoo\nbar\n", "\nfoo"), ("foo", None), ("foo\n", None)]
)
def test_the_first_line_has_its_own_doubt(text: str, first: str | None) -> None:
    layout = layout_of("⟦⟧\n\nx = 2\n")
    reading = read_row(*written(layout, text), layout, "block")
    assert isinstance(reading, Reading)
    shorter = first_line(reading)
    if first is None:
        assert shorter is None
        return
    assert shorter is not None
    assert shorter.texts == (first,)
    assert shorter.worst_entropy < reading.worst_entropy
