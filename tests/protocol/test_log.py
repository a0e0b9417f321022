"""What is logged reaches the editor's log, once and at its level, and stderr stays for what no editor can be told."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from dgemma_lsp.lsp.framing import frame, read_bodies
from engine.errors import EngineError
from tests.command import COMMAND
from tests.protocol.scripted import offers
from tests.protocol.wire_client import Json, WireClient, connected

ERROR, WARNING, INFO, LOG = 1, 2, 3, 4
"""`MessageType` of the protocol."""

INITIALIZE: Json = {"id": 1, "method": "initialize", "params": {"processId": None, "capabilities": {}}}
SHUTDOWN: tuple[Json, ...] = ({"id": 9, "method": "shutdown"}, {"method": "exit"})


@asynccontextmanager
async def editing(level: str) -> AsyncGenerator[WireClient]:
    async with connected(offers("x")) as client:
        await client.initialize(initializationOptions={"logLevel": level})
        client.open("a")
        await client.request("dgemma/status")
        yield client


def logged(client: WireClient) -> list[tuple[int, str]]:
    told = (message["params"] for message in client.notifications if message["method"] == "window/logMessage")
    return [(params["type"], params["message"]) for params in told]


async def spoken(*messages: Json, options: tuple[str, ...] = ()) -> tuple[list[Json], bytes]:
    """What a server in a process of its own says to these messages, and its stderr."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(COMMAND, "--stdio", *options, stdin=pipe, stdout=pipe, stderr=pipe)
    sent = b"".join(frame(json.dumps({"jsonrpc": "2.0", **message}).encode()) for message in messages)
    out, errors = await process.communicate(sent)
    return [json.loads(body) for body in read_bodies(io.BytesIO(out))], errors


@pytest.mark.parametrize(
    "method",
    ["textDocument/hover", "textDocument/codeAction", "workspace/symbol", "no/such"],
)
async def test_what_is_not_supported_is_refused_and_worries_nobody(method: str) -> None:
    async with editing("debug") as client:
        start = {"line": 0, "character": 0}
        params: Json = {
            "textDocument": {"uri": "file:///w/a.py"},
            "position": start,
            "range": {"start": start, "end": start},
            "context": {"diagnostics": []},
            "query": "",
        }
        client.notify("workspace/didChangeWatchedFiles", {"changes": []})
        client.notify("no/such/notification")
        assert (await client.request(method, params))["error"]["code"] == -32601
        await client.request("dgemma/status")
        assert {level for level, _ in logged(client)} <= {LOG, INFO}


async def test_a_request_is_one_line() -> None:
    async with editing("info") as client:
        for _ in range(3):
            await client.complete(0, 1, invoked=True)
        await client.seen("window/logMessage", 3)
        assert [(level, "shown" in line) for level, line in logged(client)] == [(INFO, True)] * 3


@pytest.mark.parametrize(("level", "told"), [("info", [WARNING]), ("warning", [WARNING]), ("error", [])])
async def test_an_engine_that_fails_is_a_warning(level: str, told: list[int]) -> None:
    async with editing(level) as client:
        client.engine.failure = EngineError("no memory")
        await client.complete(0, 1)
        await client.request("dgemma/status")
        assert [seen for seen, line in logged(client) if "no memory" in line] == told


async def test_stderr_is_empty_where_there_is_an_editor_to_tell(tmp_path: Path) -> None:
    config = tmp_path / "dgemma.toml"
    config.write_text("colour = 1\n")
    unsupported: Json = {"id": 2, "method": "no/such", "params": {}}
    messages, errors = await spoken(INITIALIZE, unsupported, *SHUTDOWN, options=("--config", str(config)))
    assert errors == b""
    [mistake] = [message["params"] for message in messages if message.get("method") == "window/logMessage"]
    assert mistake["type"] == WARNING
    assert f"{config}: colour: unknown setting" in mistake["message"]
    [shown] = [message["params"] for message in messages if message.get("method") == "window/showMessage"]
    assert "colour: unknown setting" in shown["message"]


async def test_stderr_has_what_keeps_the_server_from_serving(tmp_path: Path) -> None:
    messages, errors = await spoken(INITIALIZE, options=("--config", str(tmp_path / "none.toml")))
    assert messages == []
    assert b"cannot read the configuration file" in errors
    assert errors.count(b"\n") == 1
