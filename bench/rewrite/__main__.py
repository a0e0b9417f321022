"""How often a rewrite is right: `python -m bench.rewrite [--data DIR] [--sets A,B] [--limit N] [--checkpoint WORD]`.

Asks a real `dgemma-lsp --stdio` for `dgemma/rewrite`; the first candidate counts. Sets with tests (`--data`): EditEval,
HumanEvalFix in Python, QuixBugs with the function selected, and with its line: pass@1, run in a sandbox. The mechanical
rewrites and renames of the held-out split: exact match, by kind; with the length free, as it is in the product, and, of
nano or a checkpoint's directory, at the answer's true length, the bound for whatever decides lengths. Progress goes to
stderr.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Literal, TypeVar

from bench.answers import Answer
from bench.edits.client import Client, serving
from bench.machine import machine
from bench.methods import Model
from bench.nano.example import Example
from bench.nano.measures import rewritten_at_length
from bench.rewrite.task import OWN, TESTED, Task, held_out, sound, with_tests
from engine.nano import DIRECTORY

T = TypeVar("T")
_EVERY = 20
"""Tasks between two lines of progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a task. ms: None where the length was given, which no user waits for."""

    task: Task
    offered: bool
    right: bool
    ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Tasks of a kind, or of a whole set. right: share, pass@1 where there are tests, else exact match; offered: share
    with a candidate. unsound: tasks whose own solution fails in the sandbox, which are left out."""

    set: str
    kind: str
    length: Literal["free", "true"]
    n: int
    unsound: int
    right: float
    offered: float
    ms_p50: float | None

    @classmethod
    def of(cls, name: str, kind: str, outcomes: Sequence[Outcome], *, unsound: int = 0) -> Row:
        """Sum outcomes up, at least one."""
        times = [outcome.ms for outcome in outcomes if outcome.ms is not None]
        return cls(
            set=name,
            kind=kind,
            length="free" if times else "true",
            n=len(outcomes),
            unsound=unsound,
            right=sum(outcome.right for outcome in outcomes) / len(outcomes),
            offered=sum(outcome.offered for outcome in outcomes) / len(outcomes),
            ms_p50=median(times) if times else None,
        )

    def words(self) -> str:
        """A line of the table."""
        time = "" if self.ms_p50 is None else f"  {self.ms_p50:6.0f} ms p50"
        unsound = f"  {self.unsound} left out" if self.unsound else ""
        return (
            f"{self.set:13} {self.kind:18} {self.length} length  n {self.n:4}  right {self.right:6.1%}"
            f"  offered {self.offered:6.1%}{time}{unsound}"
        )


def main() -> None:
    """Measure and print."""
    options = _arguments()
    command = [sys.executable, "-m", "dgemma_lsp", "--stdio", "--checkpoint", options.checkpoint]
    rows: list[Row] = []
    own = {name: held_out(name, options.split)[: options.limit] for name in options.sets if name in OWN}
    with serving([*command, "--device", options.device]) as client:
        for name in options.sets:
            every = [task for task, _ in own[name]] if name in OWN else with_tests(name, options.data)[: options.limit]
            tasks = list(sound(every))
            outcomes = _all(name, tasks, lambda task: asked(task, client))
            rows += rows_of(name, outcomes, unsound=len(every) - len(tasks))
    directory = DIRECTORY if options.checkpoint == "nano" else Path(options.checkpoint)
    if directory.is_dir():
        model = Model(directory, "cpu" if options.device == "auto" else options.device)
        for name, pairs in own.items():
            rows += rows_of(name, _all(name, pairs, lambda pair: told_length(*pair, model)))
    if options.json:
        about = {"machine": machine(options.device), "checkpoint": options.checkpoint}
        print(json.dumps(about | {"rows": [asdict(row) for row in rows]}))
    else:
        print(*(row.words() for row in rows), sep="\n")


def asked(task: Task, client: Client) -> Outcome:
    """Have the server rewrite a task's selection."""
    client.enter()
    document = client.open(task.path, "python", task.text)
    answer = client.rewritten(document, task.selection, task.instruction)
    client.close_all()
    right = bool(answer.texts) and task.is_right(answer.texts[0])
    return Outcome(task=task, offered=bool(answer.texts), right=right, ms=answer.ms)


def told_length(task: Task, example: Example, model: Model) -> Outcome:
    """Have the model rewrite the same with the answer's length given."""
    answer: Answer = rewritten_at_length(model, example)
    return Outcome(task=task, offered=answer.middle is not None, right=(answer.middle,) == example.answers)


def rows_of(name: str, outcomes: Sequence[Outcome], *, unsound: int = 0) -> list[Row]:
    """A row for a set, followed by its kinds."""
    kinds = sorted({outcome.task.kind for outcome in outcomes})
    rows = [Row.of(name, "all", outcomes, unsound=unsound)] if outcomes else []
    if len(kinds) > 1:
        rows += [Row.of(name, kind, [own for own in outcomes if own.task.kind == kind]) for kind in kinds]
    return rows


def _all(name: str, tasks: Sequence[T], outcome: Callable[[T], Outcome]) -> list[Outcome]:
    """The outcomes of tasks, with a word now and then."""
    outcomes: list[Outcome] = []
    for number, task in enumerate(tasks, 1):
        outcomes.append(outcome(task))
        if number % _EVERY == 0 or number == len(tasks):
            right = sum(own.right for own in outcomes)
            print(f"{name}: {number} of {len(tasks)}, {right} right", file=sys.stderr, flush=True)
    return outcomes


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.rewrite", description=__doc__)
    every = (*OWN, *TESTED)
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of the sets that have tests")
    sets = f"of {', '.join(every)}; default: all, without --data those of our own"
    parser.add_argument("--sets", type=lambda text: text.split(","), metavar="A,B", help=sets)
    parser.add_argument("--limit", type=int, metavar="N", help="the first N tasks of each set")
    parser.add_argument(
        "--tuning", dest="split", action="store_const", const="tuning", default="heldout", help="our tuning cases"
    )
    parser.add_argument("--checkpoint", default="nano", metavar="WORD", help="as dgemma-lsp takes it (default: nano)")
    parser.add_argument("--device", default="auto", help="as dgemma-lsp takes it")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    options.sets = options.sets or list(OWN if options.data is None else every)
    for name in options.sets:
        if name not in every:
            parser.error(f"no set {name!r}: choose among {', '.join(every)}")
        if name in TESTED and options.data is None:
            parser.error(f"the set {name} needs --data DIR")
    return options


if __name__ == "__main__":
    main()
