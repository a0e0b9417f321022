"""`initialize` is answered before the protocol's libraries are there, and exactly as they would answer it."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from dgemma_lsp.lsp.framing import frame, read_bodies
from dgemma_lsp.lsp.handshake import Greeting, greet, initialize_result
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
        {"textDocument": {"inlineCompletion": {}}},
        {"textDocument": {"completion": {}}},
        {"textDocument": {"codeAction": {"dataSupport": True, "resolveSupport": {"properties": ["edit"]}}}},
        {
            "textDocument": {
                "codeAction": {
                    "codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["", "quickfix", "new"]}},
                    "dataSupport": True,
                    "resolveSupport": {"properties": ["edit", "command"]},
                }
            }
        },
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
    bodies = read_bodies(source)
    assert greet(bodies, sink) == Greeting(body, request_id)
    [answer] = map(json.loads, read_bodies(io.BytesIO(sink.getvalue())))
    assert answer["id"] == request_id
    assert answer["result"]["serverInfo"]["name"] == "dgemma-lsp"
    assert list(bodies) == [b"more"]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"[" * 100_000,
        initialize({"capabilities": {}}, method="textDocument/didOpen"),
        initialize({"capabilities": {}}, jsonrpc="1.0"),
        initialize({"capabilities": {}}, id=None),
        initialize({"capabilities": {}}, id={}),
        initialize({"capabilities": {}}, id=True),
    ],
)
def test_leaves_every_other_first_message_to_the_server(body: bytes) -> None:
    sink = io.BytesIO()
    assert greet(iter([body]), sink) == Greeting(body, None)
    assert sink.getvalue() == b""


def test_an_editor_that_says_nothing_has_left() -> None:
    assert greet(iter([]), io.BytesIO()) is None


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


ODD_CAPABILITIES: list[Json] = [
    {"textDocument": {"publishDiagnostics": {"tagSupport": {"valueSet": [1, 2, 3, 4]}}}},
    {"textDocument": {"documentSymbol": {"symbolKind": {"valueSet": [1, 27]}}}},
    {"textDocument": {"completion": {"completionItem": {"insertTextModeSupport": {"valueSet": [1, 3]}}}}},
    {"textDocument": {"completion": {"completionItem": {"documentationFormat": ["markdown", "html"]}}}},
    {"textDocument": {"rename": {"prepareSupportDefaultBehavior": 2}}},
    {"textDocument": {"semanticTokens": {"formats": ["relative"]}}},
    {"textDocument": {"semanticTokens": {"requests": {}, "tokenTypes": [], "tokenModifiers": [], "formats": ["new"]}}},
    {"textDocument": {"hover": 5, "moniker": [], "synchronization": {"willSave": {}}}},
    {"textDocument": 5},
    {"textDocument": {"inlineCompletion": True}},
    {"textDocument": {"inlineCompletion": {}, "completion": 5}},
    {"workspace": {"workspaceEdit": {"resourceOperations": ["create", "copy"], "failureHandling": "retry"}}},
    {"workspace": {"symbol": {"symbolKind": {"valueSet": [99]}}, "workspaceFolders": {"new": True}}},
    {"workspace": [], "window": "none", "notebookDocument": 7},
    {"general": {"staleRequestSupport": {"cancel": True}}},
    {"general": {"positionEncodings": [{}, [], None, 5, "utf-8"]}},
    {"general": {"positionEncodings": "utf-8"}},
    {"general": {"markdown": {}, "regularExpressions": {"engine": None}}},
    {"general": "none"},
    {"experimental": {"anything": [1, {"x": None}]}, "new": {"a": 1}},
]
ODD_PARAMS: list[Json] = [
    {"trace": "compact"},
    {"clientInfo": {}},
    {"clientInfo": {"name": 5, "version": []}},
    {"locale": 5},
    {"workspaceFolders": [{"uri": "file:///w"}, {"uri": "file:///v", "name": "v"}]},
    {"workspaceFolders": {}},
    {"workspaceFolders": "none"},
    {"rootUri": "file://[bad", "rootPath": 5},
    {"processId": "five"},
    {"capabilities": None},
    {"capabilities": []},
    {"workDoneToken": {}},
]


@pytest.mark.parametrize(
    "params",
    [
        *({"capabilities": capabilities} for capabilities in ODD_CAPABILITIES),
        *({"capabilities": {}, **params} for params in ODD_PARAMS),
        *(None, [], 5, {}),
    ],
)
async def test_what_is_not_known_of_a_client_costs_nothing_else(params: object) -> None:
    async with connected(offers("x")) as client:
        answer = (await client.request("initialize", params))["result"]
        assert said(initialize_result(params)) == said(answer)
        client.notify("initialized")
        client.open("é")
        answer = await client.complete(0, 2, invoked=True)
        assert [item["insertText"] for item in answer["result"]["items"]] == ["x"]


async def test_what_is_not_known_of_a_client_is_told_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    capabilities = {"textDocument": {"publishDiagnostics": {"tagSupport": {"valueSet": [1, 2, 3, 4]}}}}
    async with connected(offers("x")) as client:
        with caplog.at_level("INFO"):
            await client.initialize(capabilities, trace="compact")
        tags = "capabilities.textDocument.publishDiagnostics.tagSupport.valueSet"
        assert [record.getMessage() for record in caplog.records if record.name == "dgemma_lsp.lsp.rpc"] == [
            f"of what the editor says of itself this is not understood: {tags}.2, {tags}.3, trace"
        ]
