"""How often the right text comes out: `python -m bench.quality [--methods …] [--splits …] [--limit N] [--json]`.

Runs methods side by side on the same cases of the held-out set and, given its directory, of HumanEval-Infilling. The
hole's whole text has to be right for an exact match; a method that offers nothing is wrong. With `--answers FILE` a run
that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, median

from bench.answers import Answer, AnswerFile, fingerprint
from bench.bootstrap import ratio
from bench.cases import HELD_OUT, MODES, OWN_SPLITS, TUNING, load
from bench.judge import Verdict, judge
from bench.machine import machine
from bench.methods import CONFIDENCES, NAMES, Model
from bench.risk import Gate, Judged, draw, gate, thresholds
from engine.nano import DIRECTORY

SHORT_TOKENS = 4
# Whose exact matches over whose are given with an interval.
COMPARED = (("ours", "oracle"), ("ours", "stock"), ("ours", "fixed"), ("ours", "cal"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One method on one split. Rates are from 0 to 1; passes and token positions are means over all cases.

    exact_match_short: over the holes of at most four tokens, `n_short` of them. length_error: tokens, mean, where
    something was offered. echo, syntax_errors, torn_words: shares of what was offered.
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
    length_error: float | None
    echo: float
    syntax_errors: float
    torn_words: float
    passes: float
    token_positions: float
    ms_p50: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Exact matches of one method over another's on the same cases; None where the other has none. low, high: 95 %."""

    split: str
    methods: tuple[str, str]
    ratio: float | None
    low: float | None
    high: float | None


def row_of(
    method: str, split: str, lengths: Sequence[int], answers: Sequence[Answer], verdicts: Sequence[Verdict]
) -> Row:
    """Sum a method's answers to a split up. lengths: tokens of each case's truth."""
    short = [v.exact for v, length in zip(verdicts, lengths, strict=True) if length <= SHORT_TOKENS]
    passed = [v.passed for v in verdicts if v.passed is not None]
    offered = [v for v, answer in zip(verdicts, answers, strict=True) if answer.middle is not None]
    errors = [v.length_error for v in offered if v.length_error is not None]
    return Row(
        method=method,
        split=split,
        n=len(answers),
        exact_match=fmean(v.exact for v in verdicts),
        n_short=len(short),
        exact_match_short=fmean(short) if short else None,
        edit_similarity=fmean(v.similarity for v in verdicts),
        pass_at_1=fmean(passed) if passed else None,
        offered=len(offered) / len(answers),
        length_error=fmean(errors) if errors else None,
        echo=_share([v.echo for v in offered]),
        syntax_errors=_share([v.broken for v in offered]),
        torn_words=_share([v.torn for v in offered]),
        passes=fmean(answer.passes for answer in answers),
        token_positions=fmean(answer.token_positions for answer in answers),
        ms_p50=median(answer.ms for answer in answers),
    )


def compare(split: str, methods: tuple[str, str], ours: Sequence[Verdict], theirs: Sequence[Verdict]) -> Comparison:
    """Exact matches of two methods on the same cases."""
    above, below = [float(v.exact) for v in ours], [float(v.exact) for v in theirs]
    interval = ratio(above, below)
    return Comparison(
        split=split,
        methods=methods,
        ratio=sum(above) / sum(below) if interval else None,
        low=interval[0] if interval else None,
        high=interval[1] if interval else None,
    )


def main() -> None:
    """Measure and print."""
    options = _arguments()
    model = Model(options.checkpoint, options.device)
    kept = AnswerFile(options.answers, fingerprint(options.checkpoint))
    rows: list[Row] = []
    comparisons: list[Comparison] = []
    asked: dict[str, list[Judged]] = {}
    gates: list[Gate] = []
    for split in options.splits:
        cases = load(split, options.data, own=TUNING if options.tuning else HELD_OUT)[: options.limit]
        lengths = [model.true_length(case) for case in cases]
        judged: dict[str, list[Judged]] = {}
        verdicts: dict[str, list[Verdict]] = {}
        for name in options.methods:
            answers = kept.answered(split, name, {case.name: case for case in cases}, model.method(name))
            verdicts[name] = [judge(c, a.middle, model.tokens) for c, a in zip(cases, answers, strict=True)]
            rows.append(row_of(name, split, lengths, answers, verdicts[name]))
            judged[name] = list(zip(answers, verdicts[name], strict=True))
            if not options.json:
                print(_line(rows[-1]), flush=True)
        comparisons += [
            compare(split, pair, verdicts[pair[0]], verdicts[pair[1]])
            for pair in COMPARED
            if verdicts.keys() >= set(pair)
        ]
        if "open" in judged and not options.json:
            print(*thresholds(split, judged["open"]), sep="\n", flush=True)
        if "ours" in judged:
            asked[split] = judged["ours"]
            gates += [gate(split, name, verdicts["ours"], judged[name]) for name in CONFIDENCES if name in judged]
    if options.curve:
        draw(asked, gates, options.curve)
    if options.json:
        report = {"machine": machine(options.device), "checkpoint": options.checkpoint.name}
        parts = {"rows": rows, "ratios": comparisons, "gate": gates}
        print(json.dumps(report | {name: [asdict(item) for item in items] for name, items in parts.items()}))
    else:
        for comparison in comparisons:
            print(_comparison_line(comparison))
        for point in gates:
            print(point.words())


def _share(flags: Sequence[bool]) -> float:
    return fmean(flags) if flags else 0.0


def _line(row: Row) -> str:
    short = "" if row.exact_match_short is None else f" (≤{SHORT_TOKENS} tokens {row.exact_match_short:6.1%})"
    tests = "" if row.pass_at_1 is None else f"  pass@1 {row.pass_at_1:6.1%}"
    error = "   -" if row.length_error is None else f"{row.length_error:4.1f}"
    return (
        f"{row.split:10} {row.method:7} n {row.n:5}  exact {row.exact_match:6.1%}{short}"
        f"  similarity {row.edit_similarity:.2f}{tests}  offered {row.offered:6.1%}  length ±{error}"
        f"  echo {row.echo:5.1%}  syntax {row.syntax_errors:5.1%}  torn {row.torn_words:5.1%}"
        f"  passes {row.passes:4.1f}  positions {row.token_positions:6.0f}  {row.ms_p50:5.0f} ms"
    )


def _comparison_line(comparison: Comparison) -> str:
    head = f"{comparison.split:10} exact match, {'/'.join(comparison.methods)}:"
    if comparison.ratio is None:
        return f"{head} none of the latter"
    return f"{head} {comparison.ratio:.2f} (95 %: {comparison.low:.2f} to {comparison.high:.2f})"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.quality", description=__doc__)
    listed = {"type": lambda text: text.split(","), "metavar": "A,B"}
    parser.add_argument("--methods", default=["ours", "oracle", "normal"], help=f"of {', '.join(NAMES)}", **listed)
    splits = f"of {', '.join(MODES)}; default: {','.join(OWN_SPLITS)}"
    parser.add_argument("--splits", default=list(OWN_SPLITS), help=splits, **listed)
    parser.add_argument("--limit", type=int, metavar="N", help="the first N cases of each split")
    parser.add_argument("--data", type=Path, metavar="DIR", help="directory of HumanEval-Infilling's files")
    parser.add_argument("--tuning", action="store_true", help="the tuning cases in place of the held-out ones")
    parser.add_argument("--checkpoint", type=Path, default=DIRECTORY, metavar="DIR", help="default: the embedded one")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--answers", type=Path, metavar="FILE", help="keep answers here, and go on from what it holds")
    parser.add_argument("--curve", type=Path, metavar="PNG", help="draw the gate's risk over its coverage")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


if __name__ == "__main__":
    main()
