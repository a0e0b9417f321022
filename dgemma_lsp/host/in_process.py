"""An engine in the asker's own process, for tests and debugging."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from itertools import count

from dgemma_lsp.checkpoints.resolve import resolve
from dgemma_lsp.host import bridge
from dgemma_lsp.host.scheduler import Scheduler
from dgemma_lsp.wire.errors import EngineUnavailable
from dgemma_lsp.wire.identity import EngineOptions
from dgemma_lsp.wire.messages import Event, Owner, Priority, RequestOptions
from dgemma_lsp.wire.status import Status
from infill.request import InfillRequest


class InProcessClient:
    """An `EngineClient` over a scheduler, which is made and started when it is first needed."""

    def __init__(self, make_scheduler: Callable[[], Scheduler]) -> None:
        self._make_scheduler = make_scheduler
        self._scheduler: Scheduler | None = None
        self._sequence = count(1)

    @classmethod
    def loading(cls, options: EngineOptions) -> InProcessClient:
        """A client whose scheduler loads the model of some options."""

        def make() -> Scheduler:
            from dgemma_lsp.resident.model import make_loader
            from infill.profile import profile_for

            checkpoint = resolve(options.checkpoint)
            return Scheduler(
                make_loader(checkpoint, options),
                checkpoint=checkpoint.name,
                device=options.device,
                idle_unload_s=options.idle_unload_s,
                follows_instructions=profile_for(checkpoint.directory).follows_instructions,
            )

        return cls(make)

    async def start(self) -> None:
        self._started()

    def infill(
        self, request: InfillRequest, *, priority: Priority, owner: Owner | None, drafts: bool = False
    ) -> AsyncGenerator[Event]:
        options = RequestOptions(priority=priority, owner=owner, sequence=next(self._sequence), stream=drafts)
        return self._events(request, options)

    async def status(self) -> Status:
        return self._existing().status()

    async def watch(self) -> AsyncGenerator[Status]:
        async with aclosing(bridge.watch(self._existing())) as statuses:
            async for status in statuses:
                yield status

    async def close(self) -> None:
        if self._scheduler is not None:
            await asyncio.to_thread(self._scheduler.stop)

    async def _events(self, request: InfillRequest, options: RequestOptions) -> AsyncGenerator[Event]:
        async with aclosing(bridge.infill(self._started(), request, options)) as events:
            async for event in events:
                if event is not None:
                    yield event

    def _started(self) -> Scheduler:
        if self._scheduler is None:
            self._scheduler = self._make_scheduler()
            self._scheduler.start()
        return self._scheduler

    def _existing(self) -> Scheduler:
        if self._scheduler is None:
            raise EngineUnavailable("No engine runs.")
        return self._scheduler
