"""One rewrite: a file, the selection in it, an instruction, and the check of the result.

EditEval, HumanEvalFix and QuixBugs (MIT) are read where the caller has them and never kept here; the mechanical
rewrites and renames of the held-out split lie in bench/data.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from bench.nano import heldout_renames, heldout_rewrites
from bench.nano.example import Example
from bench.nano.sources import Split
from bench.sandbox import succeeds
from infill.request import Span

_PATH = "solution.py"
_CODE = "{{Code}}"
_TESTS = "\nfor _name, _test in list(globals().items()):\n    if _name.startswith('test'):\n        _test()\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """text, selection: the file, and code points of it. solved: the file as it should be. check: a program's text after
    the file, whose success decides; None where the file has to be `solved` itself."""

    name: str
    kind: str
    path: str
    text: str
    selection: Span
    instruction: str
    solved: str
    check: str | None = None

    def is_right(self, result: str) -> bool:
        """Whether a result is what it should be."""
        return result == self.solved if self.check is None else succeeds(f"{result}\n{self.check}")


def with_tests(name: str, directory: Path) -> list[Task]:
    """A set whose programs have tests.

    Raises:
        SystemExit: its file is not there, or a line of it is no task.
    """
    file, read = TESTED[name]
    path = directory / file
    if not path.exists():
        raise SystemExit(f"{path} is not there: --data names the folder of {', '.join(sorted(TESTED_FILES))}")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [_read(read, line, f"{path}:{number}") for number, line in enumerate(lines, 1)]


def held_out(name: str, split: Split) -> list[tuple[Task, Example]]:
    """A set of our own, each with the request it came from."""
    if name == "renames":
        told = [("rename", example) for example in heldout_renames.read(split)]
    else:
        told = [(each.kind, each.example) for each in heldout_rewrites.read(split)]
    return [(_mechanical(f"{name}/{i}", kind, example), example) for i, (kind, example) in enumerate(told)]


def _read(read: Callable[[dict[str, Any]], Task], line: str, place: str) -> Task:
    try:
        return read(json.loads(line))
    except json.JSONDecodeError as error:
        raise SystemExit(f"{place}: no JSON: {error}") from None
    except KeyError as error:
        raise SystemExit(f"{place}: there is no {error}") from None


def _mechanical(name: str, kind: str, example: Example) -> Task:
    request = example.request
    return Task(
        name=name,
        kind=kind,
        path=request.path,
        text=request.text,
        selection=request.holes[0],
        instruction=request.instruction or "",
        solved=example.solved,
    )


def _edit_eval(row: dict[str, Any]) -> Task:
    """The code is selected; what stands around it is there for the tests, and to be read."""
    around = row.get("context", "") or _CODE
    before, found, after = around.partition(_CODE)
    if not found:
        raise KeyError(_CODE)
    return Task(
        name=row["task_id"],
        kind="editeval",
        path=_PATH,
        text=before + row["input"] + after,
        selection=_at(before, row["input"]),
        instruction=row["instruction"],
        solved=before + row["output"] + after,
        check=f"{row['test']}\ncheck()\n",
    )


def _human_eval_fix(row: dict[str, Any]) -> Task:
    """The function's body is selected, its signature and docstring are not."""
    return Task(
        name=row["task_id"],
        kind="humanevalfix",
        path=_PATH,
        text=row["prompt"] + row["buggy_solution"],
        selection=_at(row["prompt"], row["buggy_solution"]),
        instruction=f"Fix the bug in {row['entry_point']}.",
        solved=row["prompt"] + row["canonical_solution"],
        check=row["test"],
    )


def _quix_bugs(row: dict[str, Any]) -> Task:
    """The function is selected; what it shall do stands below it."""
    below = f"\n\n\n{row['docstring']}\n"
    return Task(
        name=row["name"],
        kind="quixbugs",
        path=_PATH,
        text=row["buggy_program"] + below,
        selection=_at("", row["buggy_program"]),
        instruction=f"Fix the bug in {row['name']}.",
        solved=row["solution"] + below,
        check=row["tests"] + _TESTS,
    )


def _quix_bugs_line(row: dict[str, Any]) -> Task:
    """The lines with the bug are selected, or the one below which something is missing."""
    task = _quix_bugs(row)
    before, after = row["buggy_program"].splitlines(True), row["solution"].splitlines(True)
    changed = [own for own in SequenceMatcher(None, before, after, autojunk=False).get_opcodes() if own[0] != "equal"]
    first, last = min(own[1] for own in changed), max(own[2] for own in changed)
    if first == last:
        first -= 1
    start = sum(map(len, before[:first]))
    selected = "".join(before[first:last]).removesuffix("\n")
    selection = Span(start=start, end=start + len(selected))
    return Task(
        name=task.name,
        kind="quixbugs-line",
        path=task.path,
        text=task.text,
        selection=selection,
        instruction="Fix the bug.",
        solved=task.solved,
        check=task.check,
    )


def _at(before: str, text: str) -> Span:
    return Span(start=len(before), end=len(before) + len(text))


TESTED: dict[str, tuple[str, Callable[[dict[str, Any]], Task]]] = {
    "editeval": ("editeval.jsonl.gz", _edit_eval),
    "humanevalfix": ("humanevalpack-python.jsonl.gz", _human_eval_fix),
    "quixbugs": ("quixbugs-python.jsonl.gz", _quix_bugs),
    "quixbugs-line": ("quixbugs-python.jsonl.gz", _quix_bugs_line),
}
TESTED_FILES = {file for file, _ in TESTED.values()}
OWN = ("rewrites", "renames")


def sound(tasks: list[Task]) -> Iterator[Task]:
    """Those tasks whose own solution is right: some need modules that the sandbox does not have."""
    for task in tasks:
        if task.is_right(task.solved):
            yield task
