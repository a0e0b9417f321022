"""`dgemma/didMoveCursor`: what the engine reads ahead of a request, and when nothing is read."""

from __future__ import annotations

import pytest

from dgemma_lsp.wire.errors import EngineUnavailable
from dgemma_lsp.wire.status import State
from tests.protocol.scripted import answer, offers, status
from tests.protocol.wire_client import WireClient, connected

URI = "file:///w/a.py"
TEXT = "def f(a):\n    \n    return a\n"


def move_cursor(client: WireClient, line: int, character: int, uri: str = URI) -> None:
    client.notify(
        "dgemma/didMoveCursor", {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}
    )


async def test_the_engine_reads_what_a_completion_at_the_cursor_would_show_it() -> None:
    async with connected(lambda _: [answer()]) as client:
        await client.initialize()
        client.open(TEXT)
        move_cursor(client, 1, 4)
        await client.complete(1, 4)
        ahead, asked = client.engine.requests
        assert (ahead.prefill_only, asked.prefill_only) == (True, False)
        assert (ahead.text, ahead.holes, ahead.path) == (asked.text, asked.holes, asked.path)
        assert ahead.deadline_ms is None
        assert client.engine.priorities == ["speculation", "inline"]


async def test_a_newer_cursor_takes_the_older_ones_place_in_whatever_document() -> None:
    async with connected(lambda _: [answer()]) as client:
        await client.initialize()
        for uri in (URI, "file:///w/b.py"):
            client.open(TEXT, uri=uri)
            move_cursor(client, 0, 0, uri=uri)
        await client.request("dgemma/status")
        one, other = client.engine.owners
        assert one is not None
        assert one == other


async def test_it_tells_of_no_silence_and_fails_unseen() -> None:
    async with connected(offers("x")) as client:
        await client.initialize()
        client.open(TEXT)
        await client.request("dgemma/status")
        client.engine.failure = EngineUnavailable("it died")
        move_cursor(client, 1, 4)
        assert (await client.request("dgemma/status"))["result"]["lastSilence"] is None
        assert all(message["method"] != "window/showMessage" for message in client.notifications)


@pytest.mark.parametrize(
    ("settings", "uri", "line"),
    [
        ({"inline": {"automatic": False}}, URI, 1),
        ({"languages": {"python": False}}, URI, 1),
        ({}, "file:///w/.env", 1),
        ({}, "file:///w/other.py", 1),
        ({}, URI, 99),
    ],
)
async def test_nothing_is_read_where_nothing_would_be_suggested(settings: object, uri: str, line: int) -> None:
    async with connected(offers("x")) as client:
        await client.initialize(initializationOptions=settings)
        client.open(TEXT)
        client.open(TEXT, uri="file:///w/.env")
        move_cursor(client, line, 0, uri=uri)
        await client.request("dgemma/status")
        assert client.engine.requests == []


@pytest.mark.parametrize("state", ["paused", "failed"])
async def test_no_model_is_loaded_for_a_cursor_that_only_moves(state: State) -> None:
    async with connected(offers("x")) as client:
        await client.initialize()
        client.open(TEXT)
        await client.request("dgemma/status")
        client.engine.statuses.put_nowait(status(state))
        while (await client.request("dgemma/status"))["result"]["state"] != state:
            pass
        move_cursor(client, 1, 4)
        await client.request("dgemma/status")
        assert client.engine.requests == []
