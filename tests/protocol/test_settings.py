"""Live configuration: where it comes from, what outweighs what, and what is said of mistakes."""

from __future__ import annotations

from typing import Any

from dgemma_lsp.wire.identity import EngineOptions
from tests.protocol.scripted import offers
from tests.protocol.wire_client import WireClient, connected

PULLS = {"workspace": {"configuration": True, "didChangeConfiguration": {"dynamicRegistration": True}}}


def warnings(client: WireClient) -> list[str]:
    return [
        message["params"]["message"] for message in client.notifications if message["method"] == "window/showMessage"
    ]


async def explicit_count(client: WireClient) -> int:
    """How many candidates an explicit request asks for now."""
    await client.complete(0, 0, invoked=True)
    return client.engine.requests[-1].n


async def asks_for(client: WireClient, count: int) -> bool:
    """Whether explicit requests come to ask for so many, once the settings have arrived."""
    return any([await explicit_count(client) == count for _ in range(20)])


async def test_initialization_options_apply_where_the_editor_has_no_settings() -> None:
    async with connected(offers("x")) as client:
        await client.initialize(initializationOptions={"inline": {"candidates": 5}, "editorInfo": {"name": "vim"}})
        client.open("a")
        assert await explicit_count(client) == 5
        assert warnings(client) == []


async def test_the_editors_settings_are_asked_for_and_outweigh_its_initialization_options() -> None:
    async with connected(offers("x")) as client:
        client.settings = {"inline": {"candidates": 2}}
        await client.initialize(PULLS, initializationOptions={"inline": {"candidates": 5}})
        client.open("a")
        assert await asks_for(client, 2)
        asked = {message["method"]: message["params"] for message in client.asked}
        assert asked["workspace/configuration"] == {"items": [{"section": "dgemma"}]}
        [registration] = asked["client/registerCapability"]["registrations"]
        assert registration["method"] == "workspace/didChangeConfiguration"
        client.settings = {"inline": {"candidates": 4}}
        client.notify("workspace/didChangeConfiguration", {"settings": None})
        assert await asks_for(client, 4)


async def test_an_editor_that_does_not_say_keeps_its_settings() -> None:
    async with connected(offers("x")) as client:
        client.settings = {"inline": {"candidates": 2}}
        await client.initialize(PULLS)
        client.open("a")
        assert await asks_for(client, 2)
        client.answer_settings = {"error": {"code": -32603, "message": "busy"}}
        client.notify("workspace/didChangeConfiguration", {"settings": None})
        assert not await asks_for(client, 3)


async def test_settings_that_are_sent_apply_where_none_can_be_asked_for() -> None:
    async with connected(offers("x")) as client:
        await client.initialize()
        client.open("a")
        for settings in ({"dgemma": {"inline": {"candidates": 2}}}, {"inline": {"candidates": 2}}):
            client.notify("workspace/didChangeConfiguration", {"settings": settings})
            assert await explicit_count(client) == 2


async def test_mistakes_are_reported_once_with_their_paths_and_cost_nothing_else() -> None:
    async with connected(offers("x")) as client:
        mistakes: dict[str, Any] = {"inline": {"candidates": "many", "colour": "red", "maxLineNll": 1}, "nonsense": 1}
        await client.initialize(initializationOptions=mistakes)
        client.open("a")
        assert await explicit_count(client) == 3
        [message] = warnings(client)
        assert "inline.candidates: expected a whole number; keeping 3" in message
        assert "inline.colour: unknown setting" in message
        assert "nonsense: unknown setting" in message
        client.notify("workspace/didChangeConfiguration", {"settings": {"inline": {"candidates": 4}}})
        assert await explicit_count(client) == 4
        assert len(warnings(client)) == 1


async def test_another_engine_is_used_when_the_settings_name_one() -> None:
    async with connected(offers("x")) as client:
        await client.initialize(initializationOptions={"engine": {"checkpoint": "nano"}})
        client.open("a")
        await explicit_count(client)
        client.notify("workspace/didChangeConfiguration", {"settings": {"inline": {"candidates": 2}}})
        await explicit_count(client)
        assert len(client.engines) == 1
        client.notify("workspace/didChangeConfiguration", {"settings": {"engine": {"device": "cpu"}}})
        await client.request("dgemma/status")
        await explicit_count(client)
        old, new = client.engines
        assert old.closed
        assert not new.closed
        assert new.options == EngineOptions(checkpoint="nano", device="cpu")


async def test_automatic_suggestions_can_be_switched_off() -> None:
    async with connected(offers("x")) as client:
        await client.initialize(initializationOptions={"inline": {"automatic": False}})
        client.open("a")
        assert (await client.complete(0, 0))["result"] == {"items": []}
        assert (await client.seen("dgemma/status"))["lastSilence"] == "automatic suggestions are turned off"
        assert len((await client.complete(0, 0, invoked=True))["result"]["items"]) == 1
