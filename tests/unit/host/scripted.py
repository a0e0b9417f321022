"""A model whose forwards are scripted: a test decides when each runs and sees which request it was for."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator
from dataclasses import dataclass, field

from dgemma_lsp.host.jobs import Outcome
from dgemma_lsp.wire.messages import Owner
from engine.errors import ContextTooLongError
from infill.request import Candidate, Draft, Filled, FillStats, InfillRequest, Progress, Span

TIMEOUT_S = 20.0
"""Bounds a test that would hang; nothing is asserted about time."""


def request(name: str, *, steps: int = 3) -> InfillRequest:
    """A request that the scripted model knows by `name` and answers after so many steps."""
    return InfillRequest(text=name, holes=(Span(start=0, end=0),), seed=steps)


def owner(document: str = "file:///a.py", kind: str = "inline") -> Owner:
    return Owner(client="window", document=document, kind=kind)


@dataclass(eq=False)
class ScriptedModel:
    """Answers a request with its own name after `seed` steps.

    ran: the names of the requests in the order of their forwards. closed: names whose forwards were closed. permits: a
    forward takes one before it runs; `gated=False` models run freely. began: a name is put here as its forward waits.
    room: how many requests it has room for at once.
    """

    gated: bool = True
    ran: list[str] = field(default_factory=list[str])
    closed: list[str] = field(default_factory=list[str])
    began: queue.Queue[str] = field(default_factory=queue.Queue[str])
    permits: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    freed: threading.Event = field(default_factory=threading.Event)
    device: str = "scripted"
    notice: str = ""
    room: int = 99
    under_way: int = 0

    def fill(self, request: InfillRequest) -> Generator[Progress | Filled, None, None]:
        name = request.text
        if self.under_way == self.room:
            raise ContextTooLongError(f"{name} is too long")
        self.under_way += 1
        try:
            for step in range(1, request.seed + 1):
                self._forward(name)
                if name == "broken":
                    raise KeyError(f"{name} text")
                yield Progress(stage="denoise", draft=Draft(pieces=(((f"{name} {step}", 0.5),),)))
            candidate = Candidate(
                texts=(name,),
                score=-1.0,
                worst_entropy=0.1,
                worst_line_nll=0.1,
                added_errors=0,
                passes=request.seed,
                stop_reason="settled",
            )
            stats = FillStats(passes=request.seed, token_positions=8, ms={"prefill": 1.0, "denoise": 2.0, "rank": 0.0})
            yield Filled(candidates=(candidate,), rejection=None, stats=stats)
        finally:
            self.closed.append(name)
            self.under_way -= 1

    def _forward(self, name: str) -> None:
        if self.gated:
            self.began.put(name)
            if not self.permits.acquire(timeout=TIMEOUT_S):
                raise TimeoutError("the test never let this forward run")
        self.ran.append(name)

    def close(self) -> None:
        self.freed.set()


@dataclass(eq=False)
class Taker:
    """Collects what is delivered to one job."""

    outcomes: list[Outcome] = field(default_factory=list[Outcome])
    ended: threading.Event = field(default_factory=threading.Event)

    def __call__(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        if not isinstance(outcome, Draft):
            self.ended.set()

    def wait(self) -> list[Outcome]:
        """All outcomes, once the last has come."""
        if not self.ended.wait(TIMEOUT_S):
            raise TimeoutError("no outcome came")
        return self.outcomes
