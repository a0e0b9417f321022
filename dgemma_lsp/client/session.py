"""The front end's engine: started in the background, followed for its status, exchanged when its settings change."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from dgemma_lsp.client.client import EngineClient
from dgemma_lsp.status import StatusBoard
from dgemma_lsp.wire.errors import EngineEnded, EngineUnavailable, EngineUnresponsive
from dgemma_lsp.wire.identity import EngineOptions
from dgemma_lsp.wire.messages import Event, Owner, Priority
from engine.errors import EngineError
from infill.request import InfillRequest


class Session:
    """One engine at a time. `connect` makes a client for options; `board` is told how the engine fares."""

    def __init__(self, connect: Callable[[EngineOptions], EngineClient], board: StatusBoard) -> None:
        self._connect = connect
        self._board = board
        self._name = str(uuid.uuid4())
        self._options: EngineOptions | None = None
        self._client: EngineClient | None = None
        self._following: asyncio.Task[None] | None = None
        self._chosen = asyncio.Event()
        self._changing = asyncio.Lock()

    async def use(self, options: EngineOptions) -> None:
        """Change to the engine with these options and let it load, unless it is the present one."""
        async with self._changing:
            if options == self._options:
                return
            await self.close()
            self._options = options
            self._client = self._connect(options)
            self._follow(self._client)
            self._chosen.set()

    async def infill(
        self, request: InfillRequest, *, priority: Priority, owner: Owner, drafts: bool = False
    ) -> AsyncGenerator[Event]:
        """Ask the engine, as `EngineClient.infill`; waits until one has been chosen."""
        await self._chosen.wait()
        client = self._client
        if client is None:
            raise EngineUnavailable("The engine is being changed.")
        if self._following is None or self._following.done():
            # The engine had died or could not be started, and this request brings it back.
            self._follow(client)
        try:
            async with aclosing(client.infill(request, priority=priority, owner=owner, drafts=drafts)) as events:
                async for event in events:
                    yield event
        except EngineUnresponsive as error:
            # Its watch tells of nothing any more, this least of all.
            self._board.show_failure(str(error))
            raise

    def owner(self, document: str, kind: str) -> Owner:
        """On whose behalf a request for a document is made."""
        return Owner(client=self._name, document=document, kind=kind)

    async def close(self) -> None:
        """Let go of the engine."""
        client, self._client = self._client, None
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        if client is not None:
            await client.close()

    def _follow(self, client: EngineClient) -> None:
        self._following = asyncio.create_task(self._show_status(client))

    async def _show_status(self, client: EngineClient) -> None:
        try:
            await client.start()
            async with aclosing(client.watch()) as statuses:
                async for status in statuses:
                    self._board.show_engine(status)
            self._board.show_end()
        except EngineEnded:
            self._board.show_end()
        except EngineError as error:
            self._board.show_failure(str(error))
