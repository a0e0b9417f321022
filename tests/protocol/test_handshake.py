"""`initialize` is answered before the protocol's libraries are there, and exactly as they would answer it."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from dgemma_lsp.framing import frame, read_bodies
from dgemma_lsp.handshake import Greeting, greet, initialize_result
from tests.protocol.scripted import offers
from tests.protocol.wire_client import Json, connected


def initialize(params: object, **changes: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 7, "method": "initialize", "params": params, **changes}).encode()


def said(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """A JSON value without what is false, which says as much as what is absent."""
    if isinstance(value, dict):
        items: list[tuple[str, Any]] = list(value.items())  # pyright: ignore[reportUnknownArgumentType]
        return {key: said(item) for key, item in items if item is not False}
    return value


@pytest.mark.parametrize(
    "capabilities",
    [
        {},
        {"general": {"positionEncodings": ["utf-32", "utf-8"]}},
        {"general": {"positionEncodings": ["utf-7", "utf-8"]}},
        {"general": {"positionEncodings": ["utf-7"]}},
        {"general": {"positionEncodings": []}, "workspace": {"workspaceFolders": True}},
        {"notebookDocument": {"synchronization": {}}, "textDocument": {"synchronization": {"willSave": True}}},
    ],
)
async def test_says_what_pygls_says(capabilities: Json) -> None:
    async with connected(offers("x")) as client:
        assert said(initialize_result({"capabilities": capabilities})) == said(await client.initialize(capabilities))


@pytest.mark.parametrize("request_id", [7, "seven"])
def test_answers_a_sound_initialize_and_takes_no_more_than_that(request_id: int | str) -> None:
    body = initialize({"processId": None, "capabilities": {}}, id=request_id)
    source, sink = io.BytesIO(frame(body) + frame(b"more")), io.BytesIO()
    assert greet(source, sink) == Greeting(body, request_id)
    [answer] = map(json.loads, read_bodies(io.BytesIO(sink.getvalue())))
    assert answer["id"] == request_id
    assert answer["result"]["serverInfo"]["name"] == "dgemma-lsp"
    assert list(read_bodies(source)) == [b"more"]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"[" * 100_000,
        initialize({"capabilities": {}}, method="textDocument/didOpen"),
        initialize({"capabilities": {}}, jsonrpc="1.0"),
        initialize({"capabilities": {}}, id=None),
        initialize(None),
        initialize({"capabilities": 3}),
        initialize({"capabilities": {"general": "none"}}),
        initialize({"capabilities": {"general": {"positionEncodings": "utf-8"}}}),
    ],
)
def test_leaves_every_other_first_message_to_the_server(body: bytes) -> None:
    sink = io.BytesIO()
    assert greet(io.BytesIO(frame(body)), sink) == Greeting(body, None)
    assert sink.getvalue() == b""


def test_an_editor_that_says_nothing_has_left() -> None:
    assert greet(io.BytesIO(), io.BytesIO()) is None


async def test_the_server_goes_on_from_a_greeting_without_a_second_answer() -> None:
    capabilities = {"general": {"positionEncodings": ["utf-8"]}}
    options = {"inline": {"candidates": 5}}
    body = initialize({"processId": None, "capabilities": capabilities, "initializationOptions": options})
    async with connected(offers("x"), Greeting(body, 7)) as client:
        client.notify("initialized")
        client.open("é")
        await client.complete(0, 2, invoked=True)
        [request] = client.engine.requests
        assert (request.prefix, request.n) == ("é", 5)
        assert client.strays == []


async def test_a_greeted_editor_is_told_if_the_server_cannot_read_it() -> None:
    body = initialize({"processId": None, "capabilities": {"textDocument": 5}})
    async with connected(offers("x"), Greeting(body, 7)) as client:
        assert "cannot read the editor's initialize" in (await client.seen("window/showMessage"))["message"]
        assert (await client.request("dgemma/status"))["error"]["code"] == -32002
        assert client.strays == []
