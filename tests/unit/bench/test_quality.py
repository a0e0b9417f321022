"""Sums over cases, intervals, answers kept between runs, and the gate's curve."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from bench.answers import Answer, AnswerFile, fingerprint
from bench.bootstrap import ratio
from bench.judge import Verdict
from bench.quality import compare, row_of
from bench.risk import THRESHOLDS, curve, draw, gate, thresholds

RIGHT = Verdict(exact=True, similarity=1.0, passed=None, length_error=0, echo=False, broken=False, torn=False)
WRONG = Verdict(exact=False, similarity=0.5, passed=None, length_error=3, echo=True, broken=True, torn=True)
NOTHING = Verdict(exact=False, similarity=0.0, passed=None, length_error=None, echo=False, broken=False, torn=False)


def answer(middle: str | None, worst_line_nll: float | None = None) -> Answer:
    return Answer(middle=middle, passes=3, token_positions=100, ms=1.0, worst_line_nll=worst_line_nll)


def test_rates_are_over_all_cases_and_damage_is_over_what_was_offered() -> None:
    answers = [answer("a"), answer(None), answer("b"), answer("c")]
    row = row_of("ours", "single", [2, 3, 9, 9], answers, [RIGHT, NOTHING, WRONG, RIGHT])
    assert (row.n, row.exact_match, row.offered, row.passes) == (4, 0.5, 0.75, 3)
    assert (row.n_short, row.exact_match_short) == (2, 0.5)
    assert row.edit_similarity == pytest.approx(2.5 / 4)
    assert (row.length_error, row.pass_at_1) == (1.0, None)
    assert row.echo == row.syntax_errors == row.torn_words == pytest.approx(1 / 3)


def test_tests_decide_over_the_cases_that_have_them() -> None:
    verdicts = [dataclasses.replace(RIGHT, passed=True), dataclasses.replace(NOTHING, passed=False)]
    assert row_of("ours", "he-single", [9, 9], [answer("a"), answer(None)], verdicts).pass_at_1 == 0.5


def test_equal_methods_have_a_ratio_of_one_and_no_doubt_about_it() -> None:
    values = [1.0, 0.0, 0.0, 1.0] * 10
    assert ratio(values, values) == (1.0, 1.0)


def test_an_interval_holds_the_ratio_and_shrinks_with_cases() -> None:
    few = ratio([1.0, 1.0, 0.0, 0.0] * 10, [1.0, 0.0, 0.0, 0.0] * 10)
    many = ratio([1.0, 1.0, 0.0, 0.0] * 100, [1.0, 0.0, 0.0, 0.0] * 100)
    assert few is not None
    assert many is not None
    assert few[0] < many[0] < 2 < many[1] < few[1]


def test_there_is_no_ratio_to_nothing() -> None:
    assert ratio([1.0, 0.0], [0.0, 0.0]) is None
    comparison = compare("single", ("ours", "stock"), [RIGHT, WRONG], [WRONG, WRONG])
    assert (comparison.ratio, comparison.low, comparison.high) == (None, None, None)


def test_answers_are_kept_from_run_to_run(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    first = AnswerFile(path, "abc")
    assert first.get("single", "ours", "x") is None
    first.add("single", "ours", "x", answer("é\n", 0.5))
    first.add("single", "oracle", "x", answer(None))
    again = AnswerFile(path, "abc")
    assert again.get("single", "ours", "x") == answer("é\n", 0.5)
    assert again.get("single", "oracle", "x") == answer(None)
    assert again.get("block", "ours", "x") is None


def test_answers_of_another_checkpoint_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    AnswerFile(path, "abc").add("single", "ours", "x", answer("a"))
    with pytest.raises(SystemExit, match="another checkpoint"):
        AnswerFile(path, "def")


def test_a_checkpoint_is_told_by_its_weights(tmp_path: Path) -> None:
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"a")
    (tmp_path / "README.md").write_text("one")
    before = fingerprint(tmp_path)
    (tmp_path / "README.md").write_text("two")
    assert fingerprint(tmp_path) == before
    weights.write_bytes(b"b")
    assert fingerprint(tmp_path) != before


def test_a_gate_is_told_by_what_it_shows_and_what_it_hides(tmp_path: Path) -> None:
    asked = [RIGHT, RIGHT, WRONG, WRONG]
    unasked = [(answer("a"), RIGHT), (answer(None), NOTHING), (answer("c"), WRONG), (answer(None), NOTHING)]
    point = gate("single", "normal", asked, unasked)
    assert (point.coverage, point.exact_match, point.hidden, point.lift) == (0.5, 0.5, 0.5, 1.0)
    assert point.syntax_errors == 0.5
    silent = gate("single", "shy", asked, [(answer(None), NOTHING)] * 4)
    assert (silent.coverage, silent.exact_match, silent.hidden, silent.lift) == (0.0, None, 0.5, None)
    judged = [(answer("a", 0.1), RIGHT), (answer("b", 2.0), WRONG), (answer("c", 0.5), RIGHT), (answer(None), NOTHING)]
    coverage, risk = curve(judged)
    assert (coverage, risk) == ([0.25, 0.5, 0.75], [0.0, 0.0, pytest.approx(1 / 3)])
    table = dict(zip(THRESHOLDS, thresholds("single", judged), strict=True))
    assert table[1.0].endswith("shows 50.0%, exact 100.0%")
    assert table[2.0].endswith("shows 75.0%, exact 66.7%")
    draw({"single": judged}, [point, silent], tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
