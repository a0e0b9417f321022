"""A scenario through the server: its buffer is opened as it was, changed as it was changed, and asked about.

Two ways of asking, since the format has a cursor for each. `edit` asks for the next edit (`dgemma/inlineEdit`) at
row:col, as edit providers are asked; `completion` asks `textDocument/inlineCompletion` at fim-row:fim-col, as models
are that only fill in the middle. A change of the history whose new lines are not in the buffer was made elsewhere, so
it is made in a document beside it. Where the buffer has been modified and nothing tells how, its cursor's line was
just written. What is produced is the buffer with everything that was accepted and what is offered in the end.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from bench.edits.client import Client, Document, Offered
from bench.edits.follow.case import Replacement
from bench.edits.scenarios.scenario import Cursor, Scenario, Step
from infill.request import Span

Way: TypeAlias = Literal["edit", "completion"]
_ELSEWHERE = "elsewhere"


@dataclass(slots=True, kw_only=True)
class Replayed:
    """What came of a scenario. produced: the buffer's lines. missed: expectations of steps that were not met. reasons:
    for each silence. ms: of each request."""

    produced: str
    shown: bool = False
    missed: list[str] = field(default_factory=list[str])
    reasons: list[str] = field(default_factory=list[str])
    ms: list[float] = field(default_factory=list[float])


def replay(scenario: Scenario, client: Client, way: Way, *, unasked: bool = False) -> Replayed:
    """Play a scenario. unasked: requests are made as if nobody asked for them, whatever the steps say."""
    client.enter()
    document = _prepared(scenario, client)
    replayed = Replayed(produced=document.text)
    pending: Offered | None = None
    cursor = scenario.cursor if way == "edit" else scenario.completes_at
    at = _offset(document.text, cursor)
    for step in scenario.steps:
        if step.action == "request-completion":
            ask = client.suggested_edit if way == "edit" else client.completion
            pending = ask(document, at, invoked=step.manual and not unasked)
            replayed.ms.append(pending.ms)
            replayed.shown |= pending.change is not None
            replayed.missed += _missed(step, pending)
            replayed.reasons += [pending.reason] if pending.reason else []
            if pending.change is not None and pending.uri == document.uri:
                replayed.produced = pending.change.applied(document.text)
        elif step.action == "wait":
            time.sleep(step.seconds)
        elif pending is not None and pending.change is not None:
            if step.action == "accept":
                client.change(client.documents[pending.uri], pending.change)
                if pending.uri == document.uri:
                    at = pending.change.span.start + len(pending.change.text)
            if step.action == "reject":
                replayed.produced = document.text
            if pending.id:
                client.tell(f"dgemma.edit{step.action.capitalize()}ed", pending.id)
            pending = None
    client.close_all()
    return replayed


def _missed(step: Step, offered: Offered) -> list[str]:
    """Which of a step's expectations an answer does not meet."""
    missed: list[str] = []
    if step.shown is not None and step.shown != (offered.change is not None):
        missed.append("shown" if step.shown else "not shown")
    if step.suppressed is not None and step.suppressed != (offered.change is None and not offered.passes):
        missed.append("suppressed" if step.suppressed else "not suppressed")
    return missed


def _prepared(scenario: Scenario, client: Client) -> Document:
    """The buffer as it is when the first step begins."""
    followed = scenario.modified and not scenario.skips_history
    before, stages = _stages(scenario) if followed else (_lines(scenario.buffer), [])
    if followed and not scenario.history:
        before, stages = _unwritten(scenario.buffer, scenario.cursor.row), [_lines(scenario.buffer)]
    document = client.open(scenario.file, scenario.language, before)
    for number, stage in enumerate(stages):
        if stage is not None:
            client.change(document, _difference(document.text, stage))
        else:
            earlier = scenario.history[number]
            other = client.open(f"{_ELSEWHERE}/{number}/{earlier.file}", scenario.language, _lines(earlier.old))
            client.change(other, _difference(other.text, _lines(earlier.new)))
    return document


def _stages(scenario: Scenario) -> tuple[str, list[str | None]]:
    """The buffer before everything, and after each change of the history; None where a change was made elsewhere."""
    lines = list(scenario.buffer)
    stages: list[str | None] = []
    for earlier in reversed(scenario.history):
        at = _found(lines, earlier.new) if earlier.file == scenario.file else None
        stages.insert(0, None if at is None else _lines(lines))
        if at is not None:
            lines[at : at + len(earlier.new)] = earlier.old
    return _lines(lines), stages


def _found(lines: Sequence[str], part: Sequence[str]) -> int | None:
    """Where some lines stand among others; None where they do not, or are none."""
    starts = range(len(lines) - len(part) + 1) if part else ()
    return next((at for at in starts if list(lines[at : at + len(part)]) == list(part)), None)


def _unwritten(buffer: Sequence[str], row: int) -> str:
    """The buffer without the line at a row, or the last one above it that holds something."""
    written = [number for number in range(row) if buffer[number].strip()]
    at = written[-1] if written else row - 1
    return _lines([*buffer[:at], *buffer[at + 1 :]])


def _difference(before: str, after: str) -> Replacement:
    """The change that makes one text of another: whole but for what both begin and end with."""
    head = _alike(before, after)
    tail = _alike(before[head:][::-1], after[head:][::-1])
    return Replacement(span=Span(start=head, end=len(before) - tail), text=after[head : len(after) - tail])


def _alike(text: str, other: str) -> int:
    count = 0
    while count < min(len(text), len(other)) and text[count] == other[count]:
        count += 1
    return count


def _lines(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _offset(text: str, cursor: Cursor) -> int:
    lines = text.split("\n")[: cursor.row - 1]
    return sum(map(len, lines)) + len(lines) + cursor.col
