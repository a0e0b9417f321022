"""Every request gets an answer, whatever comes before, after or instead of it, and the server goes on."""

from __future__ import annotations

import asyncio
import os
import threading
from asyncio.subprocess import PIPE

import pytest

from dgemma_lsp.lsp import parent
from dgemma_lsp.lsp.framing import frame
from dgemma_lsp.wire.messages import Event
from infill.request import InfillRequest
from tests.command import COMMAND
from tests.protocol.scripted import offers
from tests.protocol.wire_client import Json, connected

COMPLETION = "textDocument/inlineCompletion"
INITIALIZE = b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"processId":null,"capabilities":{}}}'
SHUTDOWN = b'{"jsonrpc":"2.0","id":2,"method":"shutdown"}'


async def test_answers_what_comes_out_of_turn() -> None:
    async with connected(offers("x")) as client:
        assert (await client.request(COMPLETION, {}))["error"]["code"] == -32002
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


ODD_IDS: tuple[object, ...] = ({}, [], [1], None, True, False, 1.0, 1.5, -0.0)


@pytest.mark.parametrize("request_id", ODD_IDS)
@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"method": "dgemma/status"}, -32600),
        ({"method": "shutdown"}, -32600),
        ({"method": "no/such/method"}, -32600),
        ({"method": "textDocument/didClose", "params": {"textDocument": {"uri": "a"}}}, -32600),
        ({"method": 5}, -32600),
        ({"result": None}, None),
        ({"error": {"code": 1, "message": ""}}, None),
        ({"error": 1}, None),
    ],
)
async def test_an_id_that_is_none_is_answered_to_nobody(request_id: object, message: Json, code: int | None) -> None:
    async with connected(offers("x")) as client:
        await client.initialize()
        client.send({"id": request_id, **message})
        assert "result" in await client.request("dgemma/status")
        answers = [(stray["id"], stray["error"]["code"]) for stray in client.strays]
        assert answers == ([] if code is None else [(None, code)])


@pytest.mark.parametrize("request_id", [*ODD_IDS, "unknown", 10**30])
async def test_a_cancellation_of_nothing_does_nothing(request_id: object) -> None:
    async with connected(offers("x")) as client:
        await client.initialize()
        client.open("a")
        await client.request("dgemma/status")
        client.engine.gate.clear()
        answer = client.complete(0, 1)
        for params in ({"id": request_id}, {}, [request_id], None):
            client.send({"method": "$/cancelRequest", "params": params})
        await client.request("dgemma/status")
        client.engine.gate.set()
        assert len((await answer)["result"]["items"]) == 1
        assert client.strays == []


@pytest.mark.parametrize("request_id", [5, "five", 0, -1, 10**30, ""])
async def test_a_notification_with_an_id_is_followed_and_answered(request_id: int | str) -> None:
    async with connected(offers("x")) as client:
        await client.initialize()
        item = {"uri": "file:///w/a.py", "languageId": "python", "version": 1, "text": "a"}
        client.send({"id": request_id, "method": "textDocument/didOpen", "params": {"textDocument": item}})
        client.send({"id": request_id, "method": "textDocument/didOpen", "params": {"textDocument": {}}})
        client.send({"id": request_id, "method": "$/cancelRequest", "params": {"id": 99}})
        client.send({"id": request_id, "method": "workspace/didChangeConfiguration", "params": {"settings": None}})
        await client.request("dgemma/status")
        assert [stray["id"] for stray in client.strays] == [request_id] * 4
        assert [stray.get("error", {}).get("code") for stray in client.strays] == [None, -32602, None, None]


@pytest.mark.parametrize("method", ["initialize", "shutdown", COMPLETION, "workspace/executeCommand"])
async def test_a_request_without_an_id_is_refused_and_not_done(method: str) -> None:
    async with connected(offers("x")) as client:
        await client.initialize()
        client.notify(method)
        assert "result" in await client.request("dgemma/status")
        assert [(stray["id"], stray["error"]["code"]) for stray in client.strays] == [(None, -32600)]


async def test_an_answer_to_a_request_of_the_client_itself_is_nobodys() -> None:
    async with connected(offers("x")) as client:
        await client.initialize()
        client.open("a")
        await client.request("dgemma/status")
        client.engine.gate.clear()
        answer = client.complete(0, 1)
        for stray in ({"result": None}, {"error": {"code": 1, "message": ""}}, {"result": 1}):
            client.send({"id": 3, **stray})
        assert "result" in await client.request("dgemma/status")
        client.engine.gate.set()
        assert len((await answer)["result"]["items"]) == 1


@pytest.mark.parametrize(
    "answer",
    [
        {"result": None},
        {"result": {}},
        {"result": 5},
        {"result": []},
        {"result": [None, None]},
        {"result": "x", "error": None},
        {"error": {"code": -32601, "message": "none"}},
        {"error": 5},
        {"error": {"code": "x"}},
        {},
    ],
)
async def test_whatever_the_editor_says_of_its_settings_the_engine_starts(answer: Json) -> None:
    async with connected(offers("x")) as client:
        client.answer_settings = answer
        await client.initialize({"workspace": {"configuration": True}})
        client.open("a")
        assert len((await client.complete(0, 1))["result"]["items"]) == 1
        [asked] = client.asked
        # A second answer is to nothing that is asked.
        client.send({"id": asked["id"], "result": [None]})
        assert "result" in await client.request("dgemma/status")


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


@pytest.mark.parametrize(
    "stream",
    [
        b"Content-Length: 100000000000000000000\r\n\r\n{}",
        b"Content-Length: " + b"1" * 5_000 + b"\r\n\r\n{}",
        b"Content-Length: -3\r\n\r\n{}",
        b"Content-Length: 999\r\n\r\n{}",
        b"{}",
    ],
)
async def test_a_header_that_lies_is_answered_and_the_next_message_served(stream: bytes) -> None:
    async with connected(offers("x")) as client:
        await client.initialize()
        os.write(client._output, stream)  # pyright: ignore[reportPrivateUsage]
        assert "result" in await client.request("dgemma/status")
        assert [stray["id"] for stray in client.strays] == [None]


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


@pytest.mark.parametrize(
    ("stream", "code"),
    [
        (b"", 1),
        (b"Content-Length: 10000000000000\r\n\r\n", 1),
        (b"Content-Length: 100\r\n\r\n{", 1),
        (frame(INITIALIZE) + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n", 1),
        (frame(INITIALIZE) + b"Content-Length: 100\r\n\r\n{", 1),
        (frame(INITIALIZE) + b"Content-Length: -1\r\n\r\n" + frame(SHUTDOWN), 0),
    ],
)
async def test_the_process_ends_with_its_input(stream: bytes, code: int) -> None:
    process = await asyncio.create_subprocess_exec(COMMAND, "--stdio", stdin=PIPE, stdout=PIPE, stderr=PIPE)
    _, said = await process.communicate(stream)
    assert process.returncode == code
    assert b"Traceback" not in said


async def test_the_process_ends_with_the_editor_that_named_itself() -> None:
    editor = await asyncio.create_subprocess_exec("sleep", "600")
    server = await asyncio.create_subprocess_exec(COMMAND, "--stdio", stdin=PIPE, stdout=PIPE, stderr=PIPE)
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(frame(INITIALIZE.replace(b"null", b"%d" % editor.pid)))
    assert await server.stdout.readline()
    editor.kill()
    await editor.wait()
    # The pipe stays open, as it does where another process holds an end of it.
    assert await server.wait() == 1
    assert server.stderr is not None
    assert b"the editor's process has ended" in await server.stderr.read()


@pytest.mark.parametrize(
    ("process", "lives"), [(os.getpid(), True), (1, True), (0, True), (-1, True), (2**31 - 1, False)]
)
async def test_a_process_that_has_ended_is_told_apart(process: int, lives: bool) -> None:
    ended = asyncio.create_task(parent.ended(process))
    await asyncio.wait([ended], timeout=0.01)
    assert ended.done() is not lives
    ended.cancel()


async def test_exit_ends_the_process_orderly_only_after_shutdown() -> None:
    for shut_down, code in ((True, 0), (False, 1)):
        process = await asyncio.create_subprocess_exec(COMMAND, "--stdio", stdin=PIPE, stdout=PIPE)
        assert process.stdin is not None
        for body in (INITIALIZE, *[SHUTDOWN] * shut_down, b'{"jsonrpc":"2.0","method":"exit"}'):
            process.stdin.write(frame(body))
        # The pipe stays open: the server has to end by itself.
        assert await process.wait() == code
