"""An engine's events, gathered into one answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from dgemma_lsp.client.client import EngineUnavailable
from dgemma_lsp.wire.messages import Answer, Event
from infill.request import Draft


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
