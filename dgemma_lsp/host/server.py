"""The ASGI server around the application, and what ends it: a signal, a request to stop, or nobody left."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Generator

import uvicorn

from dgemma_lsp.host.app import HostApp
from dgemma_lsp.host.scheduler import Scheduler

GRACE_S = 1
"""How long open connections may go on after the end was decided."""


async def serve(scheduler: Scheduler, listener: socket.socket, *, token: str | None, exit_s: float) -> None:
    """Serve on a listening socket until the end; exit_s: seconds without any client after which it comes."""
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end(_signal: int, _frame: object) -> None:
        loop.call_soon_threadsafe(ending.set)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    app = HostApp(scheduler, stop=ending.set)
    unused = asyncio.create_task(app.unused_for(exit_s))
    unused.add_done_callback(lambda _: ending.set())
    config = uvicorn.Config(
        app.asgi(token=token),
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        date_header=False,
        server_header=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=GRACE_S,
    )

    def see() -> None:
        if scheduler.lost:
            loop.call_soon_threadsafe(ending.set)

    with scheduler.listening(see):
        await _HttpServer(config, scheduler, ending).serve(sockets=[listener])
    unused.cancel()
    await asyncio.to_thread(scheduler.stop)


class _HttpServer(uvicorn.Server):
    """Sleeps until the end, where uvicorn's own loop wakes ten times a second: an idle host does no work."""

    def __init__(self, config: uvicorn.Config, scheduler: Scheduler, ending: asyncio.Event) -> None:
        super().__init__(config)
        self._scheduler = scheduler
        self._ending = ending

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self._ending.wait()
        # Every stream is told, so that their connections close before the grace is over.
        self._scheduler.stop(0)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield
