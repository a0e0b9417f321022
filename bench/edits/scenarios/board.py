"""What scenarios come to, reckoned as cursortab's own board does.

The score is deltaChrF times the harmonic mean of the show rate and the quiet rate, from 0 to 1.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

from bench.edits.scenarios.chrf import delta_chrf
from bench.edits.scenarios.replay import Replayed, Way
from bench.edits.scenarios.scenario import Scenario

BASELINE = "baseline.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One scenario. delta_chrf: 0 to 100, 0 where nothing is shown; None where nothing shall be."""

    name: str
    shown: bool
    delta_chrf: float | None
    missed: tuple[str, ...]
    reasons: tuple[str, ...]
    produced: str
    ms: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A way of asking over all scenarios. Rates are from 0 to 1, None where no scenario tells. delta_chrf: 0 to 100,
    the mean over the `n_shown` with an expected text; `n_quiet` want silence. missed: scenarios with an expectation
    that was not met."""

    way: Way
    score: float
    delta_chrf: float
    show_rate: float | None
    quiet_rate: float | None
    n_shown: int
    n_quiet: int
    missed: int
    ms_p50: float

    def words(self) -> str:
        """A line of the table."""
        return _line(f"here, {self.way}", self.score, self.delta_chrf, self.show_rate, self.quiet_rate)


def result_of(scenario: Scenario, replayed: Replayed) -> Result:
    """Judge a scenario."""
    score = None
    if scenario.expected is not None:
        texts = ("\n".join(scenario.buffer), replayed.produced.removesuffix("\n"), "\n".join(scenario.expected))
        score = delta_chrf(*texts) if replayed.shown else 0.0
    return Result(
        name=scenario.name,
        shown=replayed.shown,
        delta_chrf=score,
        missed=tuple(replayed.missed),
        reasons=tuple(replayed.reasons),
        produced=replayed.produced,
        ms=tuple(replayed.ms),
    )


def board_of(way: Way, results: Sequence[Result]) -> Board:
    """Sum results up."""
    wanted = [result for result in results if result.delta_chrf is not None]
    unwanted = [result for result in results if result.delta_chrf is None]
    likeness = fmean(result.delta_chrf or 0.0 for result in wanted) if wanted else 0.0
    show = fmean(result.shown for result in wanted) if wanted else None
    quiet = fmean(not result.shown for result in unwanted) if unwanted else None
    both = (show or 0.0) + (quiet or 0.0)
    times = [ms for result in results for ms in result.ms]
    return Board(
        way=way,
        score=likeness * (2 * (show or 0.0) * (quiet or 0.0) / both) / 100 if both else 0.0,
        delta_chrf=likeness,
        show_rate=show,
        quiet_rate=quiet,
        n_shown=len(wanted),
        n_quiet=len(unwanted),
        missed=sum(bool(result.missed) for result in results),
        ms_p50=median(times) if times else 0.0,
    )


def table(boards: Sequence[Board], baseline: dict[str, Any]) -> list[str]:
    """The boards and the providers of the baseline, the best first."""
    rows = [(board.score, board.words()) for board in boards]
    for name, figures in baseline.items():
        score, likeness = figures["score"], figures["deltaChrF"]
        rows.append((score, _line(name, score, likeness, figures["showRate"], figures["quietRate"])))
    head = f"{'':22} {'score':>6} {'deltaChrF':>9} {'show':>6} {'quiet':>6}"
    return [head, *(words for _, words in sorted(rows, key=lambda row: -row[0]))]


def baseline_of(directory: Path) -> dict[str, Any]:
    """What other providers reach, over all the scenarios there are; empty where the folder does not say."""
    path = directory / BASELINE
    return json.loads(path.read_text()) if path.exists() else {}


def to_json(boards: Sequence[Board], results: dict[Way, list[Result]], baseline: dict[str, Any]) -> dict[str, Any]:
    """The report as one object."""
    scenarios = {way: [asdict(result) for result in found] for way, found in results.items()}
    return {"rows": [asdict(board) for board in boards], "scenarios": scenarios, "baseline": baseline}


def _line(name: str, score: float, likeness: float, show: float | None, quiet: float | None) -> str:
    rates = " ".join("     -" if rate is None else f"{rate:6.2f}" for rate in (show, quiet))
    return f"{name:22} {score:6.3f} {likeness:9.1f} {rates}"
