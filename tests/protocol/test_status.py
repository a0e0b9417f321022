"""What the editor hears of the engine: `dgemma/status`, and progress while it loads."""

from __future__ import annotations

import pytest

from dgemma_lsp.wire.codec import encode
from dgemma_lsp.wire.errors import EngineEnded, EngineUnavailable
from dgemma_lsp.wire.status import State
from tests.protocol.scripted import offers, status
from tests.protocol.wire_client import connected

PROGRESS = {"window": {"workDoneProgress": True}}


async def test_status_follows_the_engine() -> None:
    async with connected(offers("x")) as client:
        await client.initialize()
        assert (await client.request("dgemma/status"))["result"]["state"] == "starting"
        loading = status("loading", checkpoint="org/model", progress=0.5)
        client.engine.statuses.put_nowait(loading)
        client.engine.statuses.put_nowait(status("ready", checkpoint="org/model"))
        assert await client.seen("dgemma/status") == encode(loading)
        ready = await client.seen("dgemma/status", 2)
        assert (ready["state"], ready["message"], ready["lastSilence"]) == ("ready", "ready org/model", None)
        assert (await client.request("dgemma/status", {}))["result"] == ready


@pytest.mark.parametrize(
    ("options", "experimental", "asks"),
    [
        (None, None, False),
        ({}, {}, False),
        ({"statusNotifications": True}, None, True),
        ({"statusNotifications": False}, None, False),
        ({"statusNotifications": "yes"}, None, False),
        (None, {"dgemma": {"statusNotifications": True}}, True),
        ([], {"dgemma": True}, False),
    ],
)
async def test_notifications_go_to_clients_that_ask_and_requests_are_always_answered(
    options: object, experimental: object, asks: bool
) -> None:
    async with connected(offers("x")) as client:
        await client.initialize({"experimental": experimental}, initializationOptions=options)
        await client.request("dgemma/status")
        client.engine.statuses.put_nowait(status("ready"))
        while (await client.request("dgemma/status"))["result"]["state"] != "ready":
            pass
        assert any(message["method"] == "dgemma/status" for message in client.notifications) == asks


async def test_the_same_status_is_not_sent_twice() -> None:
    async with connected(offers("x")) as client:
        await client.initialize()
        await client.request("dgemma/status")
        for state in ("ready", "ready", "busy"):
            client.engine.statuses.put_nowait(status(state))
        assert [(await client.seen("dgemma/status", count))["state"] for count in (1, 2)] == ["ready", "busy"]


async def test_an_engine_that_dies_is_followed_again_after_the_next_request() -> None:
    async with connected(offers("x")) as client:
        await client.initialize()
        client.open("a")
        await client.request("dgemma/status")
        client.engine.statuses.put_nowait(EngineUnavailable("it died"))
        failed = await client.seen("dgemma/status")
        assert (failed["state"], failed["message"]) == ("failed", "it died")
        assert len((await client.complete(0, 1))["result"]["items"]) == 1
        client.engine.statuses.put_nowait(status("ready"))
        # Between the two it is said that the request is thought about, and that it has been answered.
        assert (await client.seen("dgemma/status", 4))["state"] == "ready"
        assert client.engine.starts == 2


@pytest.mark.parametrize("end", [None, EngineEnded()], ids=["stopped", "killed"])
@pytest.mark.parametrize(("last", "shown"), [("busy", "paused"), ("failed", "failed")])
async def test_an_engine_that_has_ended_is_not_called_ready(last: State, shown: State, end: EngineEnded | None) -> None:
    async with connected(offers("x")) as client:
        await client.initialize()
        client.open("a")
        await client.request("dgemma/status")
        client.engine.statuses.put_nowait(status(last))
        client.engine.statuses.put_nowait(end)
        while (await client.request("dgemma/status"))["result"]["state"] != shown:
            pass
        cursor = {"textDocument": {"uri": "file:///w/a.py"}, "position": {"line": 0, "character": 1}}
        client.notify("dgemma/didMoveCursor", cursor)
        await client.request("dgemma/status")
        assert client.engine.requests == []


async def test_loading_is_shown_as_progress() -> None:
    async with connected(offers("x")) as client:
        await client.initialize(PROGRESS)
        await client.request("dgemma/status")
        for seen in (status("starting"), status("loading", progress=0.25), status("ready"), status("busy")):
            client.engine.statuses.put_nowait(seen)
        await client.seen("dgemma/status", 4)
        [created] = [message["params"] for message in client.asked]
        shown = [message["params"] for message in client.notifications if message["method"] == "$/progress"]
        assert {params["token"] for params in shown} == {created["token"]}
        assert [(params["value"]["kind"], params["value"].get("percentage")) for params in shown] == [
            ("begin", None),
            ("report", 25),
            ("end", None),
        ]


async def test_no_progress_for_a_client_that_cannot_show_it() -> None:
    async with connected(offers("x")) as client:
        await client.initialize()
        await client.request("dgemma/status")
        client.engine.statuses.put_nowait(status("loading"))
        await client.seen("dgemma/status")
        assert client.asked == []
