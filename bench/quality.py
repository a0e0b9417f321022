"""How often the right text comes out: `python -m bench.quality [--methods …] [--splits …] [--limit N] [--json]`.

Runs methods side by side on the same cases of the held-out set and, given its directory, of HumanEval-Infilling. The
hole's whole text has to be right for an exact match; a method that offers nothing is wrong.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, median

from rapidfuzz.distance import Levenshtein

from bench.cases import HELD_OUT_SPLITS, Case, load
from bench.machine import machine
from bench.methods import Answer, Method, Model
from engine.nano import DIRECTORY

SHORT_TOKENS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One method on one split. Rates are from 0 to 1, over all cases; passes and token positions are means.

    exact_match_short: over the holes of at most four tokens, `n_short` of them.
    """

    method: str
    split: str
    n: int
    exact_match: float
    n_short: int
    exact_match_short: float | None
    edit_similarity: float
    pass_at_1: float | None
    offered: float
    passes: float
    token_positions: float
    ms_p50: float


def measure(name: str, method: Method, split: str, cases: Sequence[Case], lengths: Sequence[int]) -> Row:
    """Run a method on every case. lengths: tokens of each case's truth."""
    answers = [method(case) for case in cases]
    exact = [answer.middle == case.truth for case, answer in zip(cases, answers, strict=True)]
    short = [right for right, length in zip(exact, lengths, strict=True) if length <= SHORT_TOKENS]
    passed = [passes(case, answer) for case, answer in zip(cases, answers, strict=True) if case.check is not None]
    return Row(
        method=name,
        split=split,
        n=len(cases),
        exact_match=fmean(exact),
        n_short=len(short),
        exact_match_short=fmean(short) if short else None,
        edit_similarity=fmean(similarity(case, answer) for case, answer in zip(cases, answers, strict=True)),
        pass_at_1=fmean(passed) if passed else None,
        offered=fmean(answer.middle is not None for answer in answers),
        passes=fmean(answer.passes for answer in answers),
        token_positions=fmean(answer.token_positions for answer in answers),
        ms_p50=median(answer.ms for answer in answers),
    )


def similarity(case: Case, answer: Answer) -> float:
    """1 − Levenshtein distance over the longer text's length; nothing offered is like an empty text."""
    return Levenshtein.normalized_similarity(answer.middle or "", case.truth)


def passes(case: Case, answer: Answer) -> bool:
    """Whether the completed program passes its tests."""
    return answer.middle is not None and bool(case.passes(answer.middle))


def main() -> None:
    """Measure and print."""
    options = _arguments()
    model = Model.load(options.checkpoint, device=options.device)
    rows: list[Row] = []
    for split in options.splits:
        cases = load(split, options.data)[: options.limit]
        lengths = [model.true_length(case) for case in cases]
        for name in options.methods:
            row = measure(name, model.methods()[name], split, cases, lengths)
            rows.append(row)
            if not options.json:
                print(_line(row))
    if options.json:
        report = {"machine": machine(options.device), "checkpoint": options.checkpoint.name}
        print(json.dumps(report | {"rows": [asdict(row) for row in rows]}))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.quality", description=__doc__)
    listed = {"type": lambda text: text.split(","), "metavar": "A,B"}
    parser.add_argument("--methods", default=["ours", "oracle"], help="of ours, oracle", **listed)
    parser.add_argument("--splits", default=list(HELD_OUT_SPLITS), help="also he-single, he-multi, he-random", **listed)
    parser.add_argument("--limit", type=int, metavar="N", help="the first N cases of each split")
    parser.add_argument("--data", type=Path, metavar="DIR", help="directory of HumanEval-Infilling's files")
    parser.add_argument("--checkpoint", type=Path, default=DIRECTORY, metavar="DIR", help="default: the embedded one")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


def _line(row: Row) -> str:
    short = "" if row.exact_match_short is None else f" (≤{SHORT_TOKENS} tokens {row.exact_match_short:6.1%})"
    tests = "" if row.pass_at_1 is None else f"  pass@1 {row.pass_at_1:6.1%}"
    return (
        f"{row.split:10} {row.method:8} n {row.n:5}  exact {row.exact_match:6.1%}{short}"
        f"  similarity {row.edit_similarity:.2f}{tests}  passes {row.passes:4.1f}  {row.ms_p50:5.0f} ms"
    )


if __name__ == "__main__":
    main()
