"""How a front end reaches an engine, wherever it runs: the `EngineClient` protocol, and its events as one answer.

Importing this module leaves torch, transformers, starlette, uvicorn and httpx2 alone; an implementation imports what it
needs when it is first used.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Protocol

from dgemma_lsp.wire.errors import EngineUnavailable
from dgemma_lsp.wire.messages import Answer, Event, Owner, Priority
from dgemma_lsp.wire.status import Status
from infill.request import Draft, InfillRequest


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
        """Fill a request: drafts, if wanted, then the `Answer`.

        Starts the engine if none runs and waits while it loads. Closing the generator (`aclose`, best by
        `contextlib.aclosing`) cancels: the model is free after at most the step it is in.

        Raises:
            Superseded: a newer request of the same owner came.
            EngineUnavailable: there is no engine, or it died meanwhile; the next request tries again.
            EngineUnresponsive: there is one, but it hangs.
            EngineError: the engine cannot serve it, and the message tells the user why.
        """
        ...

    async def status(self) -> Status:
        """Ask how the engine fares; starts none.

        Raises:
            EngineUnavailable: there is none.
        """
        ...

    def watch(self) -> AsyncGenerator[Status]:
        """Follow the status: as it is now, then at every change, until it is closed or the engine is gone.

        Starts no engine. Open watches keep a host from exiting; they cost nothing while nothing changes.

        Raises:
            EngineUnavailable: there is none, or it died.
        """
        ...

    async def close(self) -> None:
        """Cancel what runs and let go of the engine; a host of its own lives on for others."""
        ...


async def collect(events: AsyncGenerator[Event], show: Callable[[Draft], None] | None = None) -> Answer:
    """The answer that the events end with; drafts are handed to `show` as they come. Closes the generator, which
    cancels the request, however this ends.

    Raises:
        EngineUnavailable: the events broke off.
    """
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Answer):
                return event
            if show is not None:
                show(event)
    raise EngineUnavailable("The engine's answer broke off.")
