"""The host's HTTP interface: an ASGI application over a scheduler.

A request lives as long as its stream: when the client hangs up, it is cancelled.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from dgemma_lsp.client.launch import START_TIMEOUT_S
from dgemma_lsp.host import bridge
from dgemma_lsp.host.metrics import render
from dgemma_lsp.host.scheduler import Scheduler
from dgemma_lsp.wire.codec import WireError
from dgemma_lsp.wire.errors import Superseded
from dgemma_lsp.wire.messages import (
    ENDS,
    Failure,
    RequestOptions,
    dump_event,
    dump_status,
    parse_call,
)
from dgemma_lsp.wire.status import State, Status
from engine.errors import EngineError
from infill.request import InfillRequest

HEARTBEAT = b"\n"
"""An empty line, which is no event: the host lives and has nothing to say yet."""


WITHOUT_MODEL_S = 10.0
"""How long a host stays that nobody uses and whose model could not be loaded or was dropped: for a look at why."""

_WITHOUT_MODEL: tuple[State, ...] = ("failed", "paused")


class HostApp:
    """The routes, and who uses the host. stop: called when a client asks the host to end."""

    def __init__(self, scheduler: Scheduler, *, stop: Callable[[], None]) -> None:
        self._scheduler = scheduler
        self._stop = stop
        self._streams = 0
        self._watchers = 0
        self._used = False
        self._last_use_s = time.monotonic()
        self._changed = asyncio.Event()

    def asgi(self, *, token: str | None = None) -> Starlette:
        """Make the application. token: what every request has to bring, None where the socket keeps others out."""
        routes = [
            Route("/v1/infill", self._infill, methods=["POST"]),
            Route("/v1/status", self._status),
            Route("/v1/stop", self._end, methods=["POST"]),
            Route("/v1/end-if-unused", self._end_if_unused, methods=["POST"]),
            Route("/metrics", self._metrics),
        ]
        return Starlette(routes=routes, middleware=[Middleware(_RequireToken, token=token)] if token else [])

    async def unused_for(self, seconds: float) -> None:
        """Return when no client has had a stream open for so long, or for `WITHOUT_MODEL_S` where no model is in memory
        that the next one could use."""
        with self._scheduler.listening(bridge.in_loop(self._changed.set)):
            while True:
                self._changed.clear()
                limit = min(seconds, WITHOUT_MODEL_S) if self._scheduler.status().state in _WITHOUT_MODEL else seconds
                left_s = self._last_use_s + limit - time.monotonic()
                if left_s <= 0 and not self._streams:
                    return
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(None if self._streams else left_s):
                        await self._changed.wait()

    async def _infill(self, request: Request) -> Response:
        try:
            infill_request, options = parse_call(await request.body())
        except ClientDisconnect:
            # Who types on hangs up before his request is read. This answer reaches nobody.
            return Response()
        except WireError as error:
            return _failure(400, str(error))
        return _LineStream(self._events(infill_request, options), media_type="application/x-ndjson")

    async def _status(self, request: Request) -> Response:
        if request.query_params.get("watch") == "true":
            return _LineStream(self._changes(), media_type="application/x-ndjson")
        return Response(dump_status(self._with_clients(self._scheduler.status())), media_type="application/json")

    async def _metrics(self, _request: Request) -> Response:
        status = self._with_clients(self._scheduler.status())
        return PlainTextResponse(render(self._scheduler.counters, status))

    async def _end(self, _request: Request) -> Response:
        self._stop()
        return Response(status_code=202)

    async def _end_if_unused(self, _request: Request) -> Response:
        # Who has just started a host has yet to ask it.
        expected = not self._used and time.monotonic() - self._last_use_s < START_TIMEOUT_S
        if self._streams or expected:
            return PlainTextResponse("in use\n", status_code=409)
        self._stop()
        return PlainTextResponse(f"{ENDS}\n", status_code=202)

    async def _events(self, request: InfillRequest, options: RequestOptions) -> AsyncGenerator[bytes]:
        self._streams += 1
        try:
            async with aclosing(bridge.infill(self._scheduler, request, options)) as events:
                async for event in events:
                    yield HEARTBEAT if event is None else dump_event(event)
        except (Superseded, EngineError) as error:
            yield dump_event(Failure.of(error))
        finally:
            self._leave()

    async def _changes(self) -> AsyncGenerator[bytes]:
        self._streams += 1
        self._watchers += 1
        try:
            async with aclosing(bridge.watch(self._scheduler)) as statuses:
                async for status in statuses:
                    yield dump_status(self._with_clients(status))
        finally:
            self._watchers -= 1
            self._leave()

    def _leave(self) -> None:
        self._streams -= 1
        self._used = True
        self._last_use_s = time.monotonic()
        self._changed.set()

    def _with_clients(self, status: Status) -> Status:
        return replace(status, clients=self._watchers)


class _LineStream(StreamingResponse):
    """Sends lines as they come and closes their generator at once when the client hangs up."""

    def __init__(self, lines: AsyncGenerator[bytes], *, media_type: str) -> None:
        super().__init__(lines, media_type=media_type)
        self._lines = lines

    async def stream_response(self, send: Send) -> None:
        async with aclosing(self._lines):
            await super().stream_response(send)


class _RequireToken:
    """Answers 401 to whoever does not bring the token."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = dict(scope["headers"]).get(b"authorization", b"")
        if secrets.compare_digest(given, self._expected):
            await self._app(scope, receive, send)
        else:
            await _failure(401, "The token is missing or wrong.")(scope, receive, send)


def _failure(status_code: int, message: str) -> Response:
    line = dump_event(Failure(kind="engine", message=message))
    return Response(line, status_code=status_code, media_type="application/x-ndjson")
