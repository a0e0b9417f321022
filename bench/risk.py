"""What the gate of automatic suggestions lets through: how often the shown is right, by how much is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from matplotlib.figure import Figure

from bench.answers import Answer
from bench.judge import Verdict
from infill.request import MOST_DOUBT


@dataclass(frozen=True, slots=True)
class Shown:
    """A suggestion before the gate. doubt: nats, infinite where none is ever shown: there is nothing, or it
    breaks the syntax."""

    doubt: float
    exact: bool
    broken: bool

    @classmethod
    def of(cls, answer: Answer, verdict: Verdict) -> Self:
        offered = answer.middle is not None and not answer.breaks
        doubt = answer.doubt if offered and answer.doubt is not None else float("inf")
        return cls(doubt, verdict.exact, verdict.broken)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The gate on a split at a threshold (nats). coverage: share of all cases that is shown. exact_match,
    syntax_errors: among the shown; lift: exact match among them over that among all."""

    split: str
    threshold: float
    coverage: float
    exact_match: float
    lift: float | None
    syntax_errors: float

    def words(self) -> str:
        """One line of a table."""
        lift = "-" if self.lift is None else f"{self.lift:.2f}"
        return (
            f"{self.split:10} gate at {self.threshold:.2f} nats: shows {self.coverage:.1%}, "
            f"exact {self.exact_match:.1%} of it ({lift} × that of all), syntax errors {self.syntax_errors:.1%}"
        )


def gate(split: str, cases: Sequence[Shown], threshold: float) -> Gate:
    """What a threshold does to the cases of a split."""
    through = [case for case in cases if case.doubt <= threshold]
    exact = sum(case.exact for case in through) / max(len(through), 1)
    overall = sum(case.exact for case in cases) / len(cases)
    return Gate(
        split=split,
        threshold=threshold,
        coverage=len(through) / len(cases),
        exact_match=exact,
        lift=exact / overall if overall else None,
        syntax_errors=sum(case.broken for case in through) / max(len(through), 1),
    )


def draw(splits: Mapping[str, Sequence[Shown]], path: Path | None) -> list[Gate]:
    """The gate at its default threshold on every split; and, given a path, each split's curve as an image."""
    points = [gate(split, cases, MOST_DOUBT) for split, cases in splits.items()]
    if path is None:
        return points
    figure = Figure(figsize=(7, 4), layout="tight")
    axes = figure.add_subplot()
    for point, cases in zip(points, splits.values(), strict=True):
        thresholds = sorted({case.doubt for case in cases if case.doubt < float("inf")})
        curve = [gate(point.split, cases, threshold) for threshold in thresholds]
        [line] = axes.plot([g.coverage for g in curve], [1 - g.exact_match for g in curve], label=point.split)
        axes.plot(point.coverage, 1 - point.exact_match, marker="o", color=line.get_color())
    axes.set(xlabel="coverage: share shown", ylabel="risk: share of it not exactly right", xlim=(0, 1), ylim=(0, 1))
    axes.legend(title="dot: default threshold")
    axes.grid(visible=True, alpha=0.3)
    figure.savefig(path, dpi=100, metadata={"Software": None})
    return points
