"""Frames are the requests that infill would lay out, with the right text in their holes."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from bench.nano import answers, frames, tokenizer
from bench.nano.example import Example
from bench.nano.mixture import examples
from infill.prompt.layout import Layout, lay_out
from infill.request import InfillRequest, Span
from infill.text.tokens import TextTokens
from tests.unit.nano.sources import JAVASCRIPT, PYTHON, TEXT

MADE = 60


@pytest.fixture(scope="module")
def tokens() -> TextTokens:
    return TextTokens(tokenizer.train([TEXT]))


@pytest.fixture(scope="module")
def drawn() -> list[Example]:
    return list(islice(examples([PYTHON, JAVASCRIPT], seed=0), MADE))


def test_a_frame_is_the_request_with_the_answers_in_its_holes(drawn: list[Example], tokens: TextTokens) -> None:
    for example in drawn:
        frame = frames.frame_of(example, tokens)
        if frame is None:
            continue
        layout = lay_out(example.request, tokens, frames.BUDGET)
        assert isinstance(layout, Layout)
        np.testing.assert_array_equal(frame.context, layout.context_ids)
        lengths = [stop - start for start, stop in frame.holes]
        spelled = [tokens.decode(frame.canvas[start:stop]) for start, stop in frame.holes]
        assert tuple(edges.unwrap(text) for edges, text in zip(layout.edges, spelled, strict=True)) == example.answers
        clamped = layout.noisy(lengths)
        np.testing.assert_array_equal(frame.canvas[clamped.clamped], clamped.token_ids[clamped.clamped])


def test_frames_fit_the_budget_and_free_their_holes(drawn: list[Example], tokens: TextTokens) -> None:
    made = [frames.frame_of(example, tokens) for example in drawn]
    kept = [frame for frame in made if frame]
    collected = frames.collect(made, MADE)
    assert len(collected) == len(kept) > MADE / 2
    assert any(len(frame.holes) > 1 for frame in kept)
    for i, frame in enumerate(kept):
        assert len(collected.context(i)) <= frames.BUDGET.context
        assert len(collected.canvas(i)) <= frames.BUDGET.canvas
        np.testing.assert_array_equal(collected.context(i), frame.context)
        np.testing.assert_array_equal(collected.canvas(i), frame.canvas)
        holes = [position for start, stop in frame.holes for position in range(start, stop)]
        assert np.flatnonzero(collected.free(i)).tolist() == holes


def test_only_long_contexts_are_collected_where_asked(drawn: list[Example], tokens: TextTokens) -> None:
    made = [frames.frame_of(example, tokens, frames.LONG_BUDGET) for example in drawn]
    collected = frames.collect(made, 5, least=400)
    assert [len(collected.context(i)) >= 400 for i in range(len(collected))] == [True] * 5


def test_frames_come_back_from_their_file(drawn: list[Example], tokens: TextTokens, tmp_path: Path) -> None:
    built = frames.collect((frames.frame_of(example, tokens) for example in drawn), MADE)
    frames.save(built, tmp_path / "frames.npz")
    loaded = frames.load(tmp_path / "frames.npz")
    for name in frames.Frames.__slots__:
        np.testing.assert_array_equal(getattr(loaded, name), getattr(built, name))


def test_what_infill_would_reject_is_no_frame(tokens: TextTokens) -> None:
    text = "(x)()\n" * 2_000
    request = InfillRequest(text=text, holes=(Span(start=0, end=0), Span(start=len(text), end=len(text))))
    assert frames.frame_of(Example(request=request, answers=("a", "b")), tokens) is None
    empty = InfillRequest(text=text, holes=(Span(start=6, end=6),))
    assert frames.frame_of(Example(request=empty, answers=("",)), tokens) is None
    assert frames.frame_of(Example(request=empty, answers=("y = 2\n" * 80,)), tokens) is None


def test_answers_are_whole_canvases_after_a_turn_of_the_user(tokens: TextTokens) -> None:
    control = tokens.control
    made = [frame for frame in islice(answers.draw([PYTHON, JAVASCRIPT], tokens, 0), MADE) if frame]
    for frame in made:
        assert len(frame.context) <= answers.MOST_CONTEXT
        assert len(frame.canvas) == answers.CANVAS
        assert frame.holes == [(0, answers.CANVAS)]
        assert np.flatnonzero(frame.context == control.turn_start).tolist()[0] == 1
        assert np.count_nonzero(frame.context == control.turn_start) == 2
        ends = np.flatnonzero(frame.canvas == control.turn_end)
        padding = np.flatnonzero(frame.canvas == control.pad)
        assert padding.tolist() == (list(range(ends[0] + 1, answers.CANVAS)) if len(ends) else [])
    assert any(control.pad not in frame.canvas for frame in made)
    # A later canvas stands on those that came before it.
    assert any(np.count_nonzero(frame.context == control.turn_start) < len(frame.context) - 400 for frame in made)


def test_a_question_is_in_the_frame_of_the_chat_template(tokens: TextTokens) -> None:
    request = InfillRequest(text="x = \ny = 2\n", holes=(Span(start=4, end=4),), path="a.py")
    turn = answers.in_other_words(Example(request=request, answers=("1",)), tokens)
    assert tokens.decode(turn.prompt) == (
        "<bos><|turn>user\nWhich code belongs at <FILL_ME> in `a.py`?\n```python\nx = <FILL_ME>\ny = 2\n```\n"
        "Answer with that code in a code block.<turn|>\n<|turn>model\n"
    )
    assert tokens.decode(turn.answer) == "```python\n1\n```<turn|>"
