"""What the gate of automatic suggestions shows: how much, how often that is right, and how often what it hides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TypeAlias

from matplotlib.figure import Figure

from bench.answers import Answer
from bench.judge import Verdict

THRESHOLDS = (1.0, 1.5, 2.0, 2.5, 2.8, 3.0, 3.5, 4.0, 5.0, 6.0, 8.0, 12.0, 16.0)
"""Nats among which a profile's presets are chosen."""

Judged: TypeAlias = tuple[Answer, Verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The gate on a split at a confidence. coverage: share of all cases that is shown. exact_match, syntax_errors:
    among the shown; hidden: exact match, had they been asked for, of the others; lift: exact match among the shown over
    that of all."""

    split: str
    confidence: str
    coverage: float
    exact_match: float | None
    hidden: float | None
    lift: float | None
    syntax_errors: float

    def words(self) -> str:
        """One line of a table."""
        lift = "-" if self.lift is None else f"{self.lift:.2f}"
        return (
            f"{self.split:10} {self.confidence}: shows {self.coverage:.1%}, exact {_percent(self.exact_match)} of it "
            f"({lift} × that of all) and {_percent(self.hidden)} of the rest, syntax errors {self.syntax_errors:.1%}"
        )


def gate(split: str, confidence: str, asked: Sequence[Verdict], unasked: Sequence[Judged]) -> Gate:
    """What comes of the same cases when their suggestions are asked for, and when they are not."""
    shown = [verdict for answer, verdict in unasked if answer.middle is not None]
    hidden = [best for best, (answer, _) in zip(asked, unasked, strict=True) if answer.middle is None]
    exact, overall = _exact(shown), _exact(asked)
    return Gate(
        split=split,
        confidence=confidence,
        coverage=len(shown) / len(unasked),
        exact_match=exact,
        hidden=_exact(hidden),
        lift=exact / overall if exact is not None and overall else None,
        syntax_errors=fmean(verdict.broken for verdict in shown) if shown else 0.0,
    )


def draw(asked: Mapping[str, Sequence[Judged]], points: Sequence[Gate], path: Path) -> None:
    """Draw each split's risk over coverage as an image: a curve over all thresholds, a dot for each gate."""
    figure = Figure(figsize=(7, 4), layout="tight")
    axes = figure.add_subplot()
    for split, cases in asked.items():
        [line] = axes.plot(*curve(cases), label=split)
        for point in points:
            if point.split == split and point.exact_match is not None:
                axes.plot(point.coverage, 1 - point.exact_match, marker="o", color=line.get_color())
                axes.annotate(point.confidence, (point.coverage, 1 - point.exact_match))
    axes.set(xlabel="coverage: share shown", ylabel="risk: share of it not exactly right", xlim=(0, 1), ylim=(0, 1))
    axes.legend()
    axes.grid(visible=True, alpha=0.3)
    figure.savefig(path, dpi=100, metadata={"Software": None})


def curve(asked: Sequence[Judged]) -> tuple[list[float], list[float]]:
    """Coverage and risk where what was asked for is shown only up to a threshold, for each there is."""
    whole = [(a.worst_line_nll, verdict.exact) for a, verdict in asked if a.worst_line_nll is not None and not a.breaks]
    right, coverage, risk = 0, list[float](), list[float]()
    for count, (_, exact) in enumerate(sorted(whole), start=1):
        right += exact
        coverage.append(count / len(asked))
        risk.append(1 - right / count)
    return coverage, risk


def thresholds(split: str, opened: Sequence[Judged]) -> list[str]:
    """Lines of a table: of what an open gate shows, how much each threshold would show, and how often that is right."""
    table: list[str] = []
    for nats in THRESHOLDS:
        shown = [v for answer, v in opened if answer.worst_line_nll is not None and answer.worst_line_nll <= nats]
        table.append(
            f"{split:10} at {nats:5.2f} nats: shows {len(shown) / len(opened):.1%}, exact {_percent(_exact(shown))}"
        )
    return table


def _exact(verdicts: Sequence[Verdict]) -> float | None:
    return fmean(verdict.exact for verdict in verdicts) if verdicts else None


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
