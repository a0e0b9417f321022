"""Every request gets an answer, whatever comes before, after or instead of it, and the server goes on."""

from __future__ import annotations

import asyncio
import os
import threading

import pytest

from dgemma_lsp.host.wire import Event
from infill.request import InfillRequest
from tests.command import COMMAND
from tests.protocol.scripted import offers
from tests.protocol.wire_client import connected

COMPLETION = "textDocument/inlineCompletion"


async def test_answers_what_comes_out_of_turn() -> None:
    async with connected(offers("x")) as client:
        assert (await client.request(COMPLETION, {}))["error"]["code"] == -32602
        assert (await client.request("dgemma/status"))["error"]["code"] == -32002
        client.notify("textDocument/didOpen", {})
        await client.initialize()
        assert (await client.request("initialize", {"processId": None, "capabilities": {}}))["error"]["code"] == -32600
        assert (await client.request("shutdown"))["result"] is None
        assert (await client.request("dgemma/status"))["error"]["code"] == -32600


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", -32700),
        (b"\xff\xfe", -32700),
        (b"[" * 100_000, -32700),
        (b"null", -32600),
        (b"[1, 2]", -32600),
        (b'{"id": 1, "method": "x"}', -32600),
    ],
)
async def test_answers_what_is_no_message(body: bytes, code: int) -> None:
    async with connected(offers("x")) as client:
        client.send_raw(body)
        assert (await client.stray())["error"]["code"] == code
        assert await client.initialize()


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        (COMPLETION, None, -32602),
        (COMPLETION, {"textDocument": {}}, -32602),
        (COMPLETION, {"textDocument": {"uri": "a"}, "position": {"line": -1, "character": 0}, "context": {}}, -32602),
        ("no/such/method", {"a": 1}, -32601),
        ("no/such/method", None, -32601),
        ("workspace/executeCommand", {"command": "none"}, -32602),
    ],
)
async def test_answers_bad_requests(method: str, params: object, code: int) -> None:
    async with connected(offers("x")) as client:
        await client.initialize()
        assert (await client.request(method, params))["error"]["code"] == code
        assert "result" in await client.request("dgemma/status")


async def test_survives_bad_notifications_and_headers() -> None:
    async with connected(offers("x")) as client:
        await client.initialize()
        client.notify("textDocument/didChange", {"textDocument": {"uri": "file:///none", "version": 1}})
        client.notify("textDocument/didOpen", {"textDocument": 3})
        client.notify("no/such/notification")
        client.notify("$/cancelRequest", {"id": 99})
        client.send({"id": "never-asked", "result": 1})
        client.send({"method": ["not", "a", "string"]})
        os.write(client._output, b"X-Header: 1\r\n\r\ncontent-length:2\r\n\r\n{}")  # pyright: ignore[reportPrivateUsage]
        assert (await client.stray())["error"]["code"] == -32600
        assert "result" in await client.request("dgemma/status")
        assert not [message for message in client.notifications if message["method"] == "window/showMessage"]


async def test_a_failure_of_our_own_is_logged_without_its_message(caplog: pytest.LogCaptureFixture) -> None:
    def fail(request: InfillRequest) -> list[Event]:
        raise ValueError(request.text)

    async with connected(fail) as client:
        await client.initialize()
        client.open("secret")
        assert (await client.complete(0, 1))["error"]["code"] == -32603
        assert "result" in await client.request("dgemma/status")
    assert "FeatureRequestError: ValueError" in caplog.text
    assert "secret" not in caplog.text


async def test_cancelling_a_request_cancels_the_engine() -> None:
    async with connected(offers("x")) as client:
        await client.initialize()
        client.open("a")
        await client.request("dgemma/status")
        client.engine.gate.clear()
        answer = client.complete(0, 1)
        await client.engine.asked.wait()
        client.notify("$/cancelRequest", {"id": 3})
        assert (await answer)["error"]["code"] == -32800
        assert client.engine.cancelled == 1


async def test_a_message_is_read_while_every_worker_thread_is_busy() -> None:
    busy = threading.Event()
    async with connected(offers("x")) as client:
        await client.initialize()
        workers = [asyncio.create_task(asyncio.to_thread(busy.wait)) for _ in range(64)]
        try:
            assert "result" in await client.request("dgemma/status")
        finally:
            busy.set()
            await asyncio.gather(*workers)


async def test_exit_ends_the_process_orderly_only_after_shutdown() -> None:
    for shut_down, code in ((True, 0), (False, 1)):
        process = await asyncio.create_subprocess_exec(
            COMMAND, "--stdio", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdin is not None
        bodies = [b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"processId":null,"capabilities":{}}}']
        bodies += [b'{"jsonrpc":"2.0","id":2,"method":"shutdown"}'] * shut_down
        bodies += [b'{"jsonrpc":"2.0","method":"exit"}']
        for body in bodies:
            process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        # The pipe stays open: the server has to end by itself.
        assert await process.wait() == code
