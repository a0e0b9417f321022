"""The client of a host, against hosts that misbehave."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager

import pytest

from dgemma_lsp.client import remote
from dgemma_lsp.client.launch import FixedEngine
from dgemma_lsp.client.remote import HostClient
from dgemma_lsp.wire.endpoint import Endpoint
from dgemma_lsp.wire.errors import EngineEnded, EngineUnavailable
from dgemma_lsp.wire.messages import Event, dump_status
from dgemma_lsp.wire.status import Status
from engine.errors import EngineError
from tests.unit.host.scripted import TIMEOUT_S, request


class CountingEngine(FixedEngine):
    """Nobody is there; starts are counted, and wait until they are let go."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:1")
        self.starts: list[str] = []
        self.ended: list[str] = []
        self.began = threading.Event()
        self.let_start = threading.Event()

    def start(self) -> Endpoint:
        self.starts.append("start")
        self.began.set()
        self.let_start.wait(TIMEOUT_S)
        self.ended.append("start")
        return super().start()


async def _ask(client: HostClient) -> list[Event]:
    infill = client.infill(request("a"), priority="inline", owner=None)
    async with asyncio.timeout(TIMEOUT_S), aclosing(infill) as events:
        return [event async for event in events]


async def test_all_who_wait_share_one_start_and_its_failure() -> None:
    engine = CountingEngine()
    client = HostClient(engine)
    asking = [asyncio.create_task(_ask(client)) for _ in range(5)]
    await asyncio.sleep(0)
    asking[0].cancel()
    engine.let_start.set()
    outcomes = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(outcomes[0], asyncio.CancelledError)
    assert all(isinstance(outcome, EngineUnavailable) for outcome in outcomes[1:])
    assert len(engine.starts) == 1


def test_a_closed_client_does_not_wait_for_a_start_under_way() -> None:
    engine = CountingEngine()

    async def ask_and_leave() -> None:
        client = HostClient(engine)
        asking = asyncio.create_task(_ask(client))
        await asyncio.to_thread(engine.began.wait, TIMEOUT_S)
        asking.cancel()
        await client.close()

    asyncio.run(ask_and_leave())
    assert engine.ended == []
    engine.let_start.set()


@pytest.mark.parametrize(("retry_s", "starts"), [(1000.0, 1), (0.0, 2)])
async def test_a_failed_start_is_not_tried_again_at_once(
    monkeypatch: pytest.MonkeyPatch, retry_s: float, starts: int
) -> None:
    monkeypatch.setattr(remote, "RETRY_S", retry_s)
    engine = CountingEngine()
    engine.let_start.set()
    client = HostClient(engine)
    for _ in range(2):
        with pytest.raises(EngineUnavailable, match="No engine answers"):
            await _ask(client)
    assert len(engine.starts) == starts


@asynccontextmanager
async def _server(answer: bytes) -> AsyncGenerator[str]:
    """A server that answers every request so and hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readline():
            writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}"


_HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (b"", EngineUnavailable, "before it answers"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", EngineUnavailable, "before it answers"),
        (_HEAD + b"5\r\n{", EngineEnded, "ended before it had answered; the next request"),
        (_HEAD + b"0\r\n\r\n", EngineEnded, "ended before it had answered; the next request"),
        (_HEAD + b"6\r\nhello\n\r\n0\r\n\r\n", EngineError, "is it a dgemma-lsp host"),
        (b"HTTP/1.1 404 No\r\nContent-Length: 9\r\n\r\nNot Found", EngineError, "is it a dgemma-lsp host"),
    ],
)
async def test_what_is_no_answer_is_one_clear_message(answer: bytes, error: type[EngineError], message: str) -> None:
    async with _server(answer) as url:
        client = HostClient(FixedEngine(url))
        with pytest.raises(EngineError, match=message) as caught:
            await _ask(client)
        await client.close()
    assert type(caught.value) is error


class ReplacedEngine(CountingEngine):
    """A host that hangs up, and where it is looked for once more, one at `url`."""

    def __init__(self, dead: str, url: str) -> None:
        super().__init__()
        self.let_start.set()
        self._urls = [url, dead]

    def start(self) -> Endpoint:
        self.starts.append("start")
        return Endpoint(url=self._urls.pop())


async def test_a_client_whose_host_has_died_is_started_with_another() -> None:
    status = dump_status(Status(state="loading"))
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(status), status)
    async with _server(b"") as dead, _server(answer) as url:
        engine = ReplacedEngine(dead, url)
        client = HostClient(engine)
        await client.start()
        assert (await client.status()).state == "loading"
        await client.close()
    assert len(engine.starts) == 2


async def test_status_and_watch_start_nothing() -> None:
    engine = CountingEngine()
    client = HostClient(engine)
    with pytest.raises(EngineUnavailable, match="No engine runs"):
        await client.status()
    with pytest.raises(EngineUnavailable, match="No engine runs"):
        await anext(client.watch())
    assert engine.starts == []
