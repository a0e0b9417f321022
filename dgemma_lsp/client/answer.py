"""An engine's events, gathered into one answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

from dgemma_lsp.client.client import EngineUnavailable
from dgemma_lsp.wire.messages import Done, Event
from infill.request import Candidate, Draft, Rejection


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """candidates: best first; where there are none, rejection says why. done: what it cost."""

    candidates: tuple[Candidate, ...]
    rejection: Rejection | None
    done: Done


async def collect(events: AsyncGenerator[Event], show: Callable[[Draft], None] | None = None) -> Answer:
    """Read all events, handing drafts to `show` as they come. Closes the generator, which cancels the request, however
    this ends.

    Raises:
        EngineUnavailable: the events broke off.
    """
    candidates: list[Candidate] = []
    rejection, done = None, None
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Candidate):
                candidates.append(event)
            elif isinstance(event, Rejection):
                rejection = event
            elif isinstance(event, Done):
                done = event
            elif show is not None:
                show(event)
    if done is None:
        raise EngineUnavailable("The engine's answer broke off.")
    return Answer(candidates=tuple(candidates), rejection=rejection, done=done)
