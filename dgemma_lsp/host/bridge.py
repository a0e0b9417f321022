"""From the scheduler's thread to asyncio: the one place where the two meet."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from functools import partial
from typing import ParamSpec

from dgemma_lsp.host.jobs import Outcome
from dgemma_lsp.host.scheduler import Scheduler
from dgemma_lsp.wire.errors import EngineUnresponsive
from dgemma_lsp.wire.messages import Answer, Event, RequestOptions
from dgemma_lsp.wire.status import Status
from infill.request import InfillRequest

P = ParamSpec("P")


HEARTBEAT_S = 5.0
"""How often a request that waits is told that the engine lives."""

STEP_LIMIT_S = 180.0
"""A model that takes longer for one step hangs: a processor of a laptop reads a long prompt in less."""


async def infill(scheduler: Scheduler, request: InfillRequest, options: RequestOptions) -> AsyncGenerator[Event | None]:
    """Fill a request; closing the generator cancels it. None is a heartbeat, while there is nothing else to say.
    Raises what `EngineClient.infill` raises."""
    outcomes: asyncio.Queue[Outcome] = asyncio.Queue()
    job = scheduler.submit(request, options, in_loop(outcomes.put_nowait))
    try:
        while True:
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    outcome = await outcomes.get()
            except TimeoutError:
                if scheduler.step_s > STEP_LIMIT_S:
                    problem = f"The model has been in one step for {scheduler.step_s:.0f} s"
                    raise EngineUnresponsive(f"{problem}; end the engine with: dgemma-lsp host stop") from None
                yield None
                continue
            if isinstance(outcome, Exception):
                raise outcome
            yield outcome
            if isinstance(outcome, Answer):
                return
    finally:
        scheduler.cancel(job)


async def watch(scheduler: Scheduler) -> AsyncGenerator[Status]:
    """The status now and after every change, until the scheduler stops; what changes together is told together."""
    changed = asyncio.Event()
    with scheduler.listening(in_loop(changed.set)):
        told: Status | None = None
        while not scheduler.stopping:
            changed.clear()
            status = scheduler.status()
            if status != told:
                yield status
                told = status
            await changed.wait()


def in_loop(function: Callable[P, object]) -> Callable[P, None]:
    """Make a function that calls `function` in the running loop and may be called from any thread."""
    loop = asyncio.get_running_loop()

    def call(*args: P.args, **kwargs: P.kwargs) -> None:
        # A loop that has closed has nobody left who waits.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(partial(function, *args, **kwargs))

    return call
