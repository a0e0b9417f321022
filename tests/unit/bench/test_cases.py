"""Benchmark cases: what is cut out, what an answer makes of the file, and how it is judged."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from bench.cases import HELD_OUT, MORE_SPANS, OWN_SPLITS, TUNING, load
from infill.syntax.parser import error_count

HUMAN_EVAL_ROW = {
    "task_id": "SingleLineInfilling/x",
    "entry_point": "double",
    "prompt": "def double(x):\n",
    "canonical_solution": "    return 2 * x\n",
    "suffix": "",
    "test": "def check(candidate):\n    assert candidate(4) == 8\n",
}


@pytest.fixture
def human_eval(tmp_path: Path) -> Path:
    for name in ("HumanEval-SingleLineInfilling.jsonl.gz", "HumanEval-MultiLineInfilling.jsonl.gz"):
        (tmp_path / name).write_bytes(gzip.compress(json.dumps(HUMAN_EVAL_ROW).encode()))
    return tmp_path


@pytest.mark.parametrize("split", [*OWN_SPLITS, MORE_SPANS])
def test_the_held_out_set_is_large_and_its_truths_are_cut_out(split: str) -> None:
    cases = load(split)
    assert len(cases) >= 1000
    assert len({case.name for case in cases}) == len(cases)
    for case in cases:
        assert case.truth.strip()
        assert case.asked == case.text[: case.hole.start] + case.text[case.hole.end :]
        assert case.filled(case.truth) == case.text


@pytest.mark.parametrize("own", [HELD_OUT, TUNING])
def test_everyday_files_are_short_and_of_five_languages(own: Path) -> None:
    cases = load("everyday", own=own)
    assert len(cases) == len({case.name for case in cases}) == 30
    assert {"python", "typescript", "javascript", "go", "rust", "c", "java"} <= {case.language for case in cases}
    for case in cases:
        assert case.truth.strip()
        assert "\n" not in case.truth
        assert not set("⟦⟧") & set(case.text)
        assert 20 <= case.text.count("\n") <= 60
        assert error_count(case.text, case.language) == 0


def test_the_held_out_set_names_where_its_cases_are_from() -> None:
    with gzip.open(HELD_OUT, "rt", encoding="utf-8") as lines:
        assert all(json.loads(line)["path"] for line in lines)


def test_tuning_and_held_out_cases_are_of_different_packages() -> None:
    def packages(own: Path) -> set[str]:
        return {case.path.split("/")[0] for split in OWN_SPLITS for case in load(split, own=own)}

    assert packages(HELD_OUT).isdisjoint(packages(TUNING))


def test_more_spans_follow_the_random_ones_and_begin_where_others_lie() -> None:
    spans, fewer = load(MORE_SPANS), load("random")
    assert spans[: len(fewer)] == fewer
    assert spans == load(MORE_SPANS)
    others = {case.name: case for split in OWN_SPLITS for case in load(split)}
    for case in spans[len(fewer) :]:
        other = others[case.name]
        assert case.text == other.text
        assert other.hole.start <= case.hole.start < other.hole.end


def test_a_single_line_hole_leaves_the_lines_end_in_place(human_eval: Path) -> None:
    (case,) = load("he-single", human_eval)
    assert case.truth == "    return 2 * x"
    assert case.asked == "def double(x):\n\n"


def test_several_lines_are_cut_out_whole(human_eval: Path) -> None:
    (case,) = load("he-multi", human_eval)
    assert (case.truth, case.asked) == ("    return 2 * x\n", "def double(x):\n")


@pytest.mark.parametrize(
    ("middle", "right"),
    [("    return 2 * x", True), ("    return x + x", True), ("    return x", False), ("  (", False)],
)
def test_a_programs_own_tests_judge_it(human_eval: Path, middle: str, right: bool) -> None:
    (case,) = load("he-single", human_eval)
    assert case.passes(middle) is right


@pytest.mark.parametrize(("split", "message"), [("he-single", "--data"), ("nonsense", "choose among")])
def test_what_cannot_be_loaded_is_one_message(split: str, message: str) -> None:
    with pytest.raises(SystemExit, match=message):
        load(split)
