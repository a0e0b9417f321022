"""Cases of the infilling benchmarks: a text, the hole in it, and how an answer is judged.

Two sources: the project's own held-out and tuning sets, and HumanEval-Infilling, whose files are named by the caller
and never kept here.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from bench.nano.holes import random_span
from bench.sandbox import succeeds
from infill.request import Mode, Span
from infill.text.languages import language_of

HELD_OUT = Path(__file__).parent / "data" / "heldout.jsonl.gz"
TUNING = Path(__file__).parent / "data" / "tuning.jsonl.gz"
EVERYDAY = Path(__file__).parent / "data" / "everyday"
"""Short ordinary files whose holes are marked ⟦so⟧, with the right text in them."""
OWN_SPLITS = ("single", "random", "block")
MORE_SPANS = "spans"
"""The random spans, and after them one more that begins in each of the other splits' holes."""
MODES: dict[str, Mode] = {
    "single": "line",
    "random": "auto",
    MORE_SPANS: "auto",
    "block": "block",
    "everyday": "auto",
    "he-single": "line",
    "he-multi": "block",
    "he-random": "auto",
    "he-light": "auto",
}
HUMAN_EVAL_FILES = {
    "he-single": "HumanEval-SingleLineInfilling.jsonl.gz",
    "he-multi": "HumanEval-MultiLineInfilling.jsonl.gz",
    "he-random": "HumanEval-RandomSpanInfilling.jsonl.gz",
    "he-light": "HumanEval-RandomSpanInfillingLight.jsonl.gz",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A text whose hole (code points) holds the truth. mode: what an editor would ask for at such a hole.
    check: a program's text after the completed file, whose success decides pass@1; None where there is no test.
    draft: what stands in the hole when it is asked for."""

    name: str
    path: str
    text: str
    hole: Span
    mode: Mode
    check: str | None = None
    draft: str = ""

    @property
    def truth(self) -> str:
        return self.text[self.hole.start : self.hole.end]

    @property
    def language(self) -> str:
        """The language's name, as parsers know it."""
        return language_of(self.path, "")

    @property
    def asked(self) -> str:
        """The text that is asked about: with the draft in the hole, mostly nothing."""
        return self.filled(self.draft)

    def filled(self, middle: str) -> str:
        """The text with `middle` in the hole."""
        return self.text[: self.hole.start] + middle + self.text[self.hole.end :]

    def passes(self, middle: str) -> bool | None:
        """Whether the completed file passes its own tests, or None where it has none."""
        return None if self.check is None else succeeds(self.filled(middle) + self.check)


def load(split: str, human_eval: Path | None = None, *, own: Path = HELD_OUT) -> list[Case]:
    """All cases of a split, in the file's order, which is the seed's. own: the file of the project's own splits.

    Raises:
        SystemExit: an unknown split, or HumanEval-Infilling asked for without its directory.
    """
    if split in OWN_SPLITS:
        return [_own(row) for row in _rows(own) if row["split"] == split]
    if split == "everyday":
        files = sorted((EVERYDAY / ("tuning" if own == TUNING else "heldout")).iterdir())
        return [case for file in files for case in _everyday(file)]
    if split == MORE_SPANS:
        return load("random", own=own) + list(_more_spans(row for row in _rows(own) if row["split"] != "random"))
    if split not in HUMAN_EVAL_FILES:
        raise SystemExit(f"no split {split!r}: choose among {', '.join(MODES)}")
    if human_eval is None:
        raise SystemExit(f"split {split} needs --data DIR, the directory that holds {HUMAN_EVAL_FILES[split]}")
    return [_human_eval(row, split) for row in _rows(human_eval / HUMAN_EVAL_FILES[split])]


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _own(row: dict[str, Any]) -> Case:
    return Case(
        name=row["name"],
        path=row["path"],
        text=row["text"],
        hole=Span(start=row["start"], end=row["end"]),
        mode=MODES[row["split"]],
    )


def _everyday(file: Path) -> Iterator[Case]:
    """A case for each marked hole of a file, the others filled."""
    parts = re.split("[⟦⟧]", file.read_text(encoding="utf-8"))
    ends = list(accumulate(map(len, parts)))
    for i in range(1, len(parts), 2):
        hole = Span(start=ends[i - 1], end=ends[i])
        name = f"everyday/{file.name}/{i // 2}"
        yield Case(name=name, path=file.name, text="".join(parts), hole=hole, mode=MODES["everyday"])


def _more_spans(rows: Iterable[dict[str, Any]]) -> Iterator[Case]:
    rng = random.Random(0)
    for row in rows:
        hole = None
        while hole is None:
            hole = random_span(row["text"], rng.randrange(row["start"], row["end"]), rng)
        yield _own(row | {"split": MORE_SPANS, "start": hole.start, "end": hole.end})


def _human_eval(row: dict[str, Any], split: str) -> Case:
    prompt, truth, suffix = row["prompt"], row["canonical_solution"], row["suffix"]
    if split == "he-single":
        # An editor asks on an empty line, whose end is there already; the line's end is no part of the hole then.
        truth, suffix = truth.removesuffix("\n"), "\n" + suffix
    return Case(
        name=row["task_id"],
        path="solution.py",
        text=prompt + truth + suffix,
        hole=Span(start=len(prompt), end=len(prompt) + len(truth)),
        mode=MODES[split],
        check=f"\n{row['test']}\ncheck({row['entry_point']})\n",
    )
