"""Batches hold code and frames without losing a token."""

# The annotations of torch are incomplete.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
import torch

from bench.nano import answers, frames, tokenizer
from bench.nano.batches import (
    ANSWER_ROWS,
    CANVASES,
    LONG_ROWS,
    MIXED_ROWS,
    PLAIN_ROWS,
    ROW,
    Batches,
    BatchKind,
    own_holes,
)
from bench.nano.mixture import examples
from engine.train.workers import ALONE, Workers
from infill.text.tokens import TextTokens
from tests.unit.nano.sources import PYTHON, TEXT


@pytest.fixture(scope="module")
def tokens() -> TextTokens:
    return TextTokens(tokenizer.train([TEXT]))


@pytest.fixture(scope="module")
def built(tokens: TextTokens) -> frames.Frames:
    drawn = examples([PYTHON], seed=0)
    return frames.collect((frames.frame_of(example, tokens) for example in drawn), 12)


@pytest.fixture(scope="module")
def asked(tokens: TextTokens) -> frames.Frames:
    return frames.collect(answers.draw([PYTHON], tokens, seed=0), 6)


def batches(built: frames.Frames, tokens: TextTokens, *cycle: BatchKind, asked: frames.Frames | None = None) -> Batches:
    code = tokens.encode(TEXT).astype(np.uint16)
    return Batches(code=code, frames=built, long_frames=built, answers=asked or built, cycle=cycle)


def test_steps_alternate_and_repeat(built: frames.Frames, tokens: TextTokens) -> None:
    draw = batches(built, tokens, "plain", "framed")
    assert [draw(step, ALONE).canvas_ids.numel() > 0 for step in range(4)] == [False, True] * 2
    torch.testing.assert_close(draw(1, ALONE).free, draw(1, ALONE).free)
    first, second = (draw(0, Workers(rank=rank, count=2)) for rank in range(2))
    assert not torch.equal(first.context_ids, second.context_ids)


def test_plain_rows_are_code_and_frames(built: frames.Frames, tokens: TextTokens) -> None:
    batch = batches(built, tokens, "plain").plain(0)
    assert batch.context_ids.shape == (PLAIN_ROWS, ROW)
    code, framed = batch.context_ids[0].tolist(), batch.context_ids[-1].tolist()
    assert tokens.decode(code) in TEXT
    assert framed[0] == tokens.control.bos


@pytest.mark.parametrize(("kind", "rows"), [("framed", MIXED_ROWS), ("long", LONG_ROWS)])
def test_framed_canvases_free_known_positions_only(
    kind: Literal["framed", "long"], rows: int, built: frames.Frames, tokens: TextTokens
) -> None:
    for index in range(20):
        batch = batches(built, tokens, kind)(index, ALONE)
        assert batch.canvas_ids.shape == (rows, CANVASES, frames.BUDGET.canvas)
        used = torch.arange(frames.BUDGET.canvas) < batch.canvas_lengths[..., None]
        assert not (batch.free & ~used).any()
        assert batch.free.any(-1).all()
        assert ((batch.levels > 0) & (batch.levels <= 1)).all()


def test_answers_are_free_everywhere_at_one_level(
    built: frames.Frames, asked: frames.Frames, tokens: TextTokens
) -> None:
    batch = batches(built, tokens, "answered", asked=asked)(2, ALONE)
    assert batch.canvas_ids.shape == batch.free.shape == (ANSWER_ROWS, 1, answers.CANVAS)
    assert batch.free.all()
    assert batch.levels.shape == (ANSWER_ROWS, 1)


def test_dense_canvases_go_on_with_their_context(built: frames.Frames, tokens: TextTokens) -> None:
    batch = batches(built, tokens, "dense").dense(3)
    for context, canvas in zip(batch.context_ids, batch.canvas_ids[:, 0], strict=True):
        assert tokens.decode([*context.tolist(), *canvas.tolist()]) in TEXT
    assert batch.free.any(-1).all()


@pytest.mark.parametrize("kind", ["copied", "recalled"])
def test_repeating_rows_hold_their_second_half_in_their_first(
    kind: Literal["copied", "recalled"], built: frames.Frames, tokens: TextTokens
) -> None:
    batch = batches(built, tokens, kind)(5, ALONE)
    canvases = batch.canvas_ids.flatten(1)
    rows = torch.cat((batch.context_ids, canvases), dim=1)
    assert rows.shape[1] == ROW
    for row in rows.tolist():
        assert set(row[ROW // 2 :]) <= set(row[: ROW // 2])


def test_own_holes_are_in_full_noise_and_alone(built: frames.Frames) -> None:
    batch = own_holes(built, [3, 5])
    assert batch.free[:, 1:].sum() == 0
    for row, index in enumerate([3, 5]):
        free = np.flatnonzero(built.free(index))
        assert batch.free[row, 0].nonzero().flatten().tolist() == free.tolist()
        assert batch.canvas_ids[row, 1, : batch.canvas_lengths[row, 1]].tolist() == built.canvas(index).tolist()
