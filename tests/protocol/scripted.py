"""An engine that follows a script, behind the `EngineClient` protocol."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace

from dgemma_lsp.wire.errors import EngineUnavailable
from dgemma_lsp.wire.identity import EngineOptions
from dgemma_lsp.wire.messages import Answer, Event, Owner, Priority
from dgemma_lsp.wire.status import State, Status
from engine.errors import EngineError
from infill.request import Candidate, Draft, InfillRequest, Rejection, RejectReason


def answer(*candidates: Candidate, rejection: Rejection | None = None) -> Answer:
    """What an engine says last."""
    return Answer(
        candidates=candidates,
        rejection=rejection,
        passes=3,
        token_positions=90,
        ms={"queue": 0.0, "prefill": 1.0, "denoise": 2.0, "rank": 0.5},
        context_tokens=64,
        cached_tokens=32,
        free_tokens=5,
        stop_reason="settled",
    )


Script = Callable[[InfillRequest], list[Event]]


def offers(*texts: str | tuple[str, ...], drafts: Sequence[Draft] = ()) -> Script:
    """Offer these texts, as many as were asked for; a tuple holds one for each hole."""

    def script(request: InfillRequest) -> list[Event]:
        candidates = [
            Candidate(
                texts=(text,) if isinstance(text, str) else text,
                score=-rank,
                worst_entropy=0.1,
                worst_line_nll=0.1,
                added_errors=0,
                passes=3,
                stop_reason="settled",
            )
            for rank, text in enumerate(texts[: request.n])
        ]
        return [*drafts, answer(*candidates)]

    return script


def rejects(reason: RejectReason) -> Script:
    """Offer nothing."""
    return lambda request: [answer(rejection=Rejection(reason=reason))]


def status(state: State, *, message: str = "", checkpoint: str = "nano", progress: float | None = None) -> Status:
    """A status of this state."""
    return Status(
        state=state,
        message=message or f"{state} {checkpoint}",
        progress=progress,
        pid=1,
        version="0",
        checkpoint=checkpoint,
        device="cpu",
    )


class ScriptedEngine:
    """Answers by `script`, once `gate` is open; raises `failure` instead, where there is one. `asked` is set by the
    first request. What it was asked, and how that ended, lies in the attributes."""

    def __init__(self, script: Script, options: EngineOptions | None = None) -> None:
        self.script = script
        self.options = options
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = asyncio.Event()
        self.failure: EngineError | None = None
        self.requests: list[InfillRequest] = []
        self.owners: list[Owner | None] = []
        self.priorities: list[Priority] = []
        self.cancelled = 0
        self.starts = 0
        self.closed = False
        self.follows_instructions = True
        self.statuses: asyncio.Queue[Status | EngineUnavailable | None] = asyncio.Queue()
        """What is seen of it, an error where it dies, None where it ends."""

    async def start(self) -> None:
        self.starts += 1
        if self.failure is not None:
            raise self.failure

    async def infill(
        self, request: InfillRequest, *, priority: Priority, owner: Owner | None, drafts: bool = False
    ) -> AsyncGenerator[Event]:
        self.requests.append(request)
        self.asked.set()
        self.owners.append(owner)
        self.priorities.append(priority)
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.failure is not None:
            raise self.failure
        for event in self.script(request):
            yield event

    async def status(self) -> Status:
        return replace(status("ready"), follows_instructions=self.follows_instructions)

    async def watch(self) -> AsyncGenerator[Status]:
        while (seen := await self.statuses.get()) is not None:
            if isinstance(seen, EngineUnavailable):
                raise seen
            yield seen

    async def close(self) -> None:
        self.closed = True
