"""Held-out changes through the server: each is typed, and the next edit is asked for where the typing ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from difflib import unified_diff
from statistics import median
from typing import Any

from bench.edits.client import Client, Document, Offered
from bench.edits.follow.case import EditCase
from bench.edits.judge import Verdict, judge

PARTS = ("follow", "unrelated", "finished", "tempting")
"""Those where something follows; those where nothing does: changes that nothing depends on, lines that were just
completed, and changes that look like the first of several."""
_SHOWN_LINES = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A case and what the server made of it. completed: whether every place was followed, and nothing else changed,
    once each edit was accepted and the next one asked for; None where that was not tried."""

    case: EditCase
    offered: Offered
    verdict: Verdict
    completed: bool | None = None

    @property
    def is_right(self) -> bool:
        return self.verdict == ("right" if self.case.places else "silent")

    def words(self) -> str:
        """What was changed and what was offered, for people."""
        after, change = self.case.after, self.offered.change
        parts = [f"{self.case.name} {self.case.kind} {self.case.path}: {self.verdict} {self.offered.reason}".rstrip()]
        parts += _diff(self.case.text, after)
        parts += ["  offered:", *_diff(after, change.applied(after))] if change else []
        parts += ["  expected one of:", *_diff(after, self.case.solved)] if self.case.places else []
        return "\n".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Cases of a kind, or of all kinds of a part. Rates are from 0 to 1. right: of those where something follows the
    share whose offer is exactly one of the places that remain, of the others the share that stays silent. ms_p50,
    ms_p90: of all answers; ms_p50_offered: of those with an edit. completed: the share that ends well where every edit
    is accepted; None where that was not tried."""

    part: str
    kind: str
    n: int
    right: float
    silent: float
    verdicts: dict[str, int]
    ms_p50: float
    ms_p90: float
    ms_p50_offered: float | None
    completed: float | None

    @classmethod
    def of(cls, part: str, kind: str, answers: Sequence[Answered]) -> Row:
        """Sum answers up."""
        verdicts = Counter(answer.verdict for answer in answers)
        times = sorted(answer.offered.ms for answer in answers)
        offered = [answer.offered.ms for answer in answers if answer.offered.change is not None]
        tried = [answer.completed for answer in answers if answer.completed is not None]
        return cls(
            part=part,
            kind=kind,
            n=len(answers),
            right=sum(answer.is_right for answer in answers) / len(answers),
            silent=verdicts["silent"] / len(answers),
            verdicts=dict(verdicts),
            ms_p50=median(times),
            ms_p90=times[round(0.9 * (len(times) - 1))],
            ms_p50_offered=median(offered) if offered else None,
            completed=sum(tried) / len(tried) if tried else None,
        )

    def words(self) -> str:
        """A line of the table."""
        offered = "     -" if self.ms_p50_offered is None else f"{self.ms_p50_offered:6.0f}"
        completed = "" if self.completed is None else f"  completed {self.completed:6.1%}"
        wrong = ", ".join(f"{count} {verdict}" for verdict, count in sorted(self.verdicts.items()))
        return (
            f"{self.part:9} {self.kind:9} n {self.n:4}  right {self.right:6.1%}  silent {self.silent:6.1%}{completed}"
            f"  {self.ms_p50:5.0f} ms p50 {self.ms_p90:5.0f} p90 {offered} offered  {wrong}"
        )


def answered(case: EditCase, client: Client, *, to_the_end: bool = False) -> Answered:
    """Type a case's changes and ask at once, as if nobody asked. to_the_end: accept what is offered, and ask again."""
    client.enter()
    document = client.open(case.path, "python", case.text)
    for change in case.typed:
        client.type(document, change)
    offered = client.suggested_edit(document, case.cursor, invoked=False)
    completed = _completed(case, document, offered, client) if to_the_end and case.places else None
    client.close_all()
    return Answered(case=case, offered=offered, verdict=judge(case, offered.change), completed=completed)


def _completed(case: EditCase, document: Document, offered: Offered, client: Client) -> bool:
    """Whether accepting one edit after the other follows every place, and then there is none."""
    for _ in range(len(case.places) + 1):
        if offered.change is None:
            break
        client.change(document, offered.change)
        client.tell("dgemma.editAccepted", offered.id)
        cursor = offered.change.span.start + len(offered.change.text)
        offered = client.suggested_edit(document, cursor, invoked=False)
    return offered.change is None and document.text == case.solved


def chosen(cases: Iterable[EditCase], *, kinds: Sequence[str] | None, limit: int | None) -> list[EditCase]:
    """The first cases of each part, of these kinds only.

    Raises:
        SystemExit: there is no such kind.
    """
    cases = list(cases)
    known = sorted({case.kind for case in cases})
    for kind in kinds or ():
        if kind not in known:
            raise SystemExit(f"no kind {kind!r}: choose among {', '.join(known)}")
    found = [case for case in cases if kinds is None or case.kind in kinds]
    return [case for part in PARTS for case in [case for case in found if part_of(case) == part][:limit]]


def rows_of(answers: Sequence[Answered]) -> list[Row]:
    """A row for each part, followed by its kinds."""
    rows: list[Row] = []
    for part in PARTS:
        own = [answer for answer in answers if part_of(answer.case) == part]
        kinds = sorted({answer.case.kind for answer in own})
        rows += [Row.of(part, "all", own)] if own else []
        if len(kinds) > 1:
            rows += [Row.of(part, kind, [each for each in own if each.case.kind == kind]) for kind in kinds]
    return rows


def part_of(case: EditCase) -> str:
    """Which part a case belongs to."""
    return case.name.partition("/")[0]


def to_json(rows: Sequence[Row], answers: Sequence[Answered]) -> dict[str, Any]:
    """The report as one object; what went wrong case by case."""
    wrong = [
        {"name": answer.case.name, "kind": answer.case.kind, "verdict": answer.verdict, "reason": answer.offered.reason}
        for answer in answers
        if not answer.is_right
    ]
    return {"rows": [asdict(row) for row in rows], "wrong": wrong}


def _diff(before: str, after: str) -> list[str]:
    lines = unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=_SHOWN_LINES)
    return [f"    {line}" for line in list(lines)[2:]]
