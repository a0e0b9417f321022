"""An engine in a process of its own, asked over HTTP, and started again when it has died."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from dgemma_lsp.wire.codec import WireError
from dgemma_lsp.wire.endpoint import Endpoint
from dgemma_lsp.wire.errors import EngineEnded, EngineUnavailable, EngineUnresponsive, NotAnsweredError
from dgemma_lsp.wire.messages import (
    ENDS,
    Answer,
    Event,
    Failure,
    Owner,
    Priority,
    RequestOptions,
    dump_call,
    parse_event,
    parse_status,
)
from dgemma_lsp.wire.status import Status
from engine.errors import EngineError
from infill.request import InfillRequest

if TYPE_CHECKING:
    from dgemma_lsp.client.transport import Transport

T = TypeVar("T")

RETRY_S = 5.0
"""A host that could not be started, or hangs, is not tried again sooner, so that typing does not try without end."""

_ATTEMPTS = 3
"""The first may meet a host that has died, the second one that is just dying."""


class Finder(Protocol):
    """Knows where a host is. Both methods may block."""

    def find(self) -> Endpoint | None:
        """Where it listens, if it does."""
        ...

    def start(self) -> Endpoint:
        """Where it listens, started first if need and power be.

        Raises:
            EngineError: it does not.
        """
        ...


class HostClient:
    """An `EngineClient` for a host."""

    def __init__(self, launcher: Finder) -> None:
        self._launcher = launcher
        self._sequence = count(1)
        self._transport: Transport | None = None
        self._starting: asyncio.Task[Transport | EngineError] | None = None
        self._refused: tuple[float, EngineError] | None = None

    async def start(self) -> None:
        # A host that hangs takes connections all the same.
        async with aclosing(self._of_started(_status)) as statuses:
            async for _ in statuses:
                pass

    def infill(
        self, request: InfillRequest, *, priority: Priority, owner: Owner | None, drafts: bool = False
    ) -> AsyncGenerator[Event]:
        options = RequestOptions(priority=priority, owner=owner, sequence=next(self._sequence), stream=drafts)
        return self._of_started(partial(_answer, call=dump_call(request, options)))

    async def status(self) -> Status:
        async with aclosing(self._statuses("/v1/status")) as statuses:
            async for status in statuses:
                return status
        raise EngineUnavailable("The engine does not say how it fares.")

    def watch(self) -> AsyncGenerator[Status]:
        return self._statuses("/v1/status?watch=true", endless=True)

    async def stop(self) -> None:
        """Ask the host to end, for every front end that uses it.

        Raises:
            EngineUnavailable: none runs.
        """
        async with aclosing(self._lines_of_running("POST", "/v1/stop")) as lines:
            async for _ in lines:
                pass

    async def end_if_unused(self) -> bool:
        """Ask the host to end unless somebody uses it; returns whether it does.

        Raises:
            EngineUnavailable: none runs.
        """
        async with aclosing(self._lines_of_running("POST", "/v1/end-if-unused")) as lines:
            return [line async for line in lines] == [ENDS]

    async def close(self) -> None:
        if self._starting is not None:
            # The process that is being started goes on, for others.
            self._starting.cancel()
        if self._transport is not None:
            await self._transport.close()

    async def _of_started(self, ask: Callable[[Transport], AsyncGenerator[T]]) -> AsyncGenerator[T]:
        """What a host says to what is asked, which is started if none runs."""
        for _ in range(_ATTEMPTS):
            transport = await self._connected()
            try:
                async with aclosing(ask(transport)) as items:
                    async for item in items:
                        yield item
                return
            except NotAnsweredError:
                # A host that has died is started and asked again; asking twice changes nothing.
                await self._forget(transport)
            except EngineUnresponsive as error:
                await self._forget(transport)
                self._refuse(error)
                raise
        raise EngineUnavailable("The engine ends before it answers; see: dgemma-lsp host log")

    async def _statuses(self, path: str, *, endless: bool = False) -> AsyncGenerator[Status]:
        async with aclosing(self._lines_of_running("GET", path, endless=endless)) as lines:
            async for line in lines:
                yield _parsed(parse_status, line)

    async def _lines_of_running(self, method: str, path: str, *, endless: bool = False) -> AsyncGenerator[str]:
        """Lines from the host if one runs; starts none."""
        if self._transport is None:
            found = await _in_thread(self._find)
            # A start may have been faster, and its transport may be in use.
            self._transport = self._transport or found
        transport = self._transport
        try:
            async with aclosing(transport.lines(method, path, endless=endless)) as lines:
                async for line in lines:
                    yield line
        except NotAnsweredError as error:
            await self._forget(transport)
            raise EngineUnavailable("No engine runs.") from error

    async def _connected(self) -> Transport:
        """A transport to a host that was there when it was made. All who wait share one start."""
        if self._transport is not None:
            return self._transport
        if self._starting is None:
            if self._refused is not None and time.monotonic() < self._refused[0]:
                raise _copy(self._refused[1])
            self._starting = asyncio.create_task(self._start())
        # Who stops waiting does not stop the start, which the next one needs as well.
        result = await asyncio.shield(self._starting)
        if isinstance(result, EngineError):
            raise _copy(result)
        return result

    async def _start(self) -> Transport | EngineError:
        try:
            self._transport = await _in_thread(self._find_or_start)
        except EngineError as error:
            self._refuse(error)
            return error
        finally:
            self._starting = None
        return self._transport

    def _refuse(self, error: EngineError) -> None:
        self._refused = (time.monotonic() + RETRY_S, error)

    # These two run in a thread: they wait for a process, and for the import of httpx2.

    def _find_or_start(self) -> Transport:
        from dgemma_lsp.client.transport import Transport

        return Transport(self._launcher.start())

    def _find(self) -> Transport:
        from dgemma_lsp.client.transport import Transport

        endpoint = self._launcher.find()
        if endpoint is None:
            raise EngineUnavailable("No engine runs.")
        return Transport(endpoint)

    async def _forget(self, transport: Transport) -> None:
        if self._transport is transport:
            self._transport = None
        await transport.close()


async def _in_thread(function: Callable[[], T]) -> T:
    """Run `function` in a thread that neither the event loop nor the process waits for when they end: a start may take
    long after its client has been closed."""
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if outcome.done():
            return
        if error is None:
            outcome.set_result(cast(T, result))
        else:
            outcome.set_exception(error)

    def run() -> None:
        result, error = None, None
        try:
            result = function()
        except BaseException as raised:
            error = raised
        # A loop that has closed has nobody left who waits.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=run, name="engine-start", daemon=True).start()
    return await outcome


async def _status(transport: Transport) -> AsyncGenerator[Status]:
    """How a host fares."""
    async with aclosing(transport.lines("GET", "/v1/status")) as lines:
        async for line in lines:
            yield _parsed(parse_status, line)


async def _answer(transport: Transport, call: bytes) -> AsyncGenerator[Event]:
    """The events of one answer, read to its end so that the connection can serve the next."""
    done = False
    async with aclosing(transport.lines("POST", "/v1/infill", call)) as lines:
        async for line in lines:
            event = _parsed(parse_event, line)
            if isinstance(event, Failure):
                raise event.exception()
            yield event
            done = isinstance(event, Answer)
    if not done:
        raise EngineEnded()


def _parsed(parse: Callable[[str], T], line: str) -> T:
    try:
        return parse(line)
    except WireError as error:
        raise EngineError(f"The engine answered what is no answer ({error}); is it a dgemma-lsp host?") from error


def _copy(error: EngineError) -> EngineError:
    """The same error, to be raised once more; an exception that is raised twice gathers tracebacks."""
    return type(error)(str(error))
