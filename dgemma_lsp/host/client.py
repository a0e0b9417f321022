"""How a front end reaches an engine, wherever it runs: the `EngineClient` protocol and its implementations.

Importing this module leaves torch, transformers, starlette, uvicorn and httpx alone; an implementation imports what it
needs when it is first used.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from itertools import count
from typing import Protocol

from dgemma_lsp.host import bridge
from dgemma_lsp.host.errors import EngineUnavailable, Superseded
from dgemma_lsp.host.scheduler import Scheduler
from dgemma_lsp.host.wire import Event, HostStatus, Owner, Priority, Terms
from engine.errors import EngineError
from infill.request import InfillRequest

__all__ = ["EngineClient", "EngineError", "EngineUnavailable", "InProcessClient", "Superseded"]

STOP_TIMEOUT_S = 10.0
"""How long closing waits for the step that the model is in, or for a load, before it leaves the thread behind."""


class EngineClient(Protocol):
    """An engine to ask. One per front end; belongs to one event loop."""

    async def start(self) -> None:
        """See to it that an engine runs and loads its model; returns once it can be asked, loaded or not.

        Raises:
            EngineUnavailable: it cannot be started; the message says why and where its log is.
        """
        ...

    def infill(
        self, request: InfillRequest, *, priority: Priority, owner: Owner | None, drafts: bool = False
    ) -> AsyncGenerator[Event]:
        """Fill a request: drafts, if wanted, then candidates, best first, or a rejection, then `Done`.

        Starts the engine if none runs and waits while it loads. Closing the generator (`aclose`, best by
        `contextlib.aclosing`) cancels: the model is free after at most the step it is in.

        Raises:
            Superseded: a newer request of the same owner came.
            EngineUnavailable: there is no engine, or it died meanwhile; the next request tries again.
            EngineError: the engine cannot serve it, and the message tells the user why.
        """
        ...

    async def status(self) -> HostStatus:
        """Ask how the engine fares; starts none.

        Raises:
            EngineUnavailable: there is none.
        """
        ...

    def watch(self) -> AsyncGenerator[HostStatus]:
        """Follow the status: as it is now, then at every change, until it is closed or the engine is gone.

        Starts no engine. Open watches are the sign of life that keeps a host from exiting; they cost nothing while
        nothing changes.

        Raises:
            EngineUnavailable: there is none, or it died.
        """
        ...

    async def close(self) -> None:
        """Cancel what runs and let go of the engine; a host of its own lives on for others."""
        ...


class InProcessClient:
    """An `EngineClient` whose engine is a scheduler in this process, for tests and debugging."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._started = False
        self._sequence = count(1)

    async def start(self) -> None:
        if not self._started:
            self._started = True
            self._scheduler.start()

    async def infill(
        self, request: InfillRequest, *, priority: Priority, owner: Owner | None, drafts: bool = False
    ) -> AsyncGenerator[Event]:
        terms = Terms(priority=priority, owner=owner, sequence=next(self._sequence), stream=drafts)
        await self.start()
        async with contextlib.aclosing(bridge.infill(self._scheduler, request, terms)) as events:
            async for event in events:
                yield event

    async def status(self) -> HostStatus:
        return self._scheduler.status()

    async def watch(self) -> AsyncGenerator[HostStatus]:
        async with contextlib.aclosing(bridge.watch(self._scheduler)) as statuses:
            async for status in statuses:
                yield status

    async def close(self) -> None:
        if self._started:
            await asyncio.to_thread(self._scheduler.stop, STOP_TIMEOUT_S)
