"""Rewrites with tests, and mechanical ones: read, asked for and judged."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.edits.client import Client, serving
from bench.rewrite.__main__ import Outcome, asked, rows_of
from bench.rewrite.task import Task, held_out, sound, with_tests
from infill.request import Span

EDIT_EVAL = {
    "task_id": "EditEval/0",
    "instruction": "Add one more.",
    "context": "class A:\n{{Code}}\n",
    "input": "    def f(self):\n        return 1",
    "output": "    def f(self):\n        return 2",
    "test": "def check():\n    assert A().f() == 2",
}
HUMAN_EVAL = {
    "task_id": "Python/0",
    "prompt": "def f(a):\n",
    "buggy_solution": "    return a\n",
    "canonical_solution": "    return -a\n",
    "test": "def check(f):\n    assert f(1) == -1\ncheck(f)",
    "entry_point": "f",
}
QUIX_BUGS = {
    "name": "f",
    "docstring": '"""Twice."""',
    "buggy_program": "def f(a):\n    b = a\n    return b",
    "solution": "def f(a):\n    b = a\n    b += a\n    return b",
    "tests": "def test1():\n    assert f(2) == 4",
}


def write(directory: Path, name: str, *rows: object) -> None:
    lines = "".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows)
    (directory / f"{name}.jsonl.gz").write_bytes(gzip.compress(lines.encode()))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write(tmp_path, "editeval", EDIT_EVAL, {**EDIT_EVAL, "context": ""})
    write(tmp_path, "humanevalpack-python", HUMAN_EVAL)
    write(tmp_path, "quixbugs-python", QUIX_BUGS)
    return tmp_path


def selected(task: Task) -> str:
    return task.text[task.selection.start : task.selection.end]


def test_each_set_selects_what_its_task_is_about(data: Path) -> None:
    inside, alone = with_tests("editeval", data)
    assert inside.text == "class A:\n    def f(self):\n        return 1\n"
    assert selected(inside) == EDIT_EVAL["input"] == alone.text
    (body,) = with_tests("humanevalfix", data)
    assert (selected(body), body.instruction) == ("    return a\n", "Fix the bug in f.")
    (function,) = with_tests("quixbugs", data)
    assert selected(function) == QUIX_BUGS["buggy_program"]
    assert function.text.endswith('"""Twice."""\n')
    (line,) = with_tests("quixbugs-line", data)
    assert selected(line) == "    b = a"
    assert line.solved == function.solved


@pytest.mark.parametrize("name", ["editeval", "humanevalfix", "quixbugs"])
def test_the_solution_passes_and_the_buggy_program_does_not(name: str, data: Path) -> None:
    task = with_tests(name, data)[0]
    assert task.is_right(task.solved)
    assert not task.is_right(task.text)


def test_a_task_whose_own_solution_fails_is_left_out(data: Path) -> None:
    assert [task.name for task in sound(with_tests("editeval", data))] == ["EditEval/0"]


def test_what_is_malformed_or_missing_is_an_error_that_names_its_line(data: Path) -> None:
    write(data, "editeval", EDIT_EVAL, {"task_id": "EditEval/1"})
    with pytest.raises(SystemExit, match=r"editeval\.jsonl\.gz:2: there is no 'input'"):
        with_tests("editeval", data)
    write(data, "editeval", {**EDIT_EVAL, "context": "class A:"})
    with pytest.raises(SystemExit, match=r"editeval\.jsonl\.gz:1: there is no '{{Code}}'"):
        with_tests("editeval", data)
    write(data, "quixbugs-python", "{")
    with pytest.raises(SystemExit, match=r"quixbugs-python\.jsonl\.gz:1: no JSON"):
        with_tests("quixbugs", data)
    with pytest.raises(SystemExit, match=r"humanevalpack-python\.jsonl\.gz is not there"):
        with_tests("humanevalfix", data / "elsewhere")


@pytest.mark.parametrize("name", ["rewrites", "renames"])
def test_our_own_sets_are_sound(name: str) -> None:
    for task, example in held_out(name, "tuning"):
        assert task.solved != task.text
        assert task.instruction
        assert task.is_right(task.text[: task.selection.start] + example.answers[0] + task.text[task.selection.end :])


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with serving([sys.executable, "-m", "tests.unit.bench.stub_server"]) as client:
        yield client


def test_the_first_candidates_hunks_are_what_counts(client: Client) -> None:
    text = "a = b\nb = b\n"
    task = Task(
        name="t",
        kind="rename",
        path="a.py",
        text=text,
        selection=Span(start=4, end=11),
        instruction="b -> cc",
        solved="a = cc\ncc = cc\n",
    )
    outcome = asked(task, client)
    assert (outcome.offered, outcome.right) == (True, True)
    silent = asked(replace(task, instruction="x -> y"), client)
    assert (silent.offered, silent.right) == (False, False)


def test_a_set_has_a_row_and_one_for_each_of_its_kinds(data: Path) -> None:
    tasks = [*with_tests("quixbugs", data), *with_tests("editeval", data)[:1]]
    outcomes = [Outcome(task=task, offered=True, right=task.kind == "editeval", ms=1.0) for task in tasks]
    rows = rows_of("both", outcomes, unsound=1)
    assert [(row.kind, row.n, row.right, row.unsound) for row in rows] == [
        ("all", 2, 0.5, 1),
        ("editeval", 1, 1.0, 0),
        ("quixbugs", 1, 0.0, 0),
    ]
    assert rows[0].length == "free"
    assert rows_of("none", []) == []
