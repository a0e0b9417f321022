"""`dgemma/inlineEdit` and Copilot's form of it: what is asked of the engine, what the editor gets, and when nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dgemma_lsp.wire.messages import Event
from infill.request import Change, InfillRequest
from tests.protocol.scripted import offers, rejects
from tests.protocol.wire_client import Json, WireClient, connected

URI = "file:///w/a.py"
OTHER = "file:///w/b.py"
TEXT = "def f(a):\n    x = a + a\n    return x\n\nf(1)\n"
CURSOR = {"line": 0, "character": 7}


def replays(request: InfillRequest) -> list[Event]:
    """Offer what the request's changes make of its hole, else leave it as it is."""
    return offers(*request.replays)(request) if request.replays else rejects("unchanged")(request)


def at(line: int, start: int, end: int) -> dict[str, Any]:
    return {"start": {"line": line, "character": start}, "end": {"line": line, "character": end}}


def replace(client: WireClient, line: int, start: int, end: int, text: str, *, version: int, uri: str = URI) -> None:
    client.change({"range": at(line, start, end), "text": text}, version=version, uri=uri)


async def rename_what_another_imports(client: WireClient) -> None:
    """Opens two documents, of which `OTHER` imports the name that is then changed in the first."""
    await client.initialize()
    client.open("def old():\n    pass\n")
    client.open("from a import old\n", uri=OTHER)
    replace(client, 0, 4, 7, "new", version=2)


def ask(
    client: WireClient, *, version: int | None = 2, method: str = "dgemma/inlineEdit", uri: str = URI, **more: object
) -> asyncio.Future[Json]:
    params = {"textDocument": {"uri": uri, "version": version}, "position": CURSOR, **more}
    return client.ask(method, params)


async def edit(client: WireClient, **more: Any) -> Json:  # noqa: ANN401 - passed on.
    return (await ask(client, **more))["result"].get("edit") or {}


async def test_a_rename_is_followed_place_by_place() -> None:
    async with connected(replays) as client:
        await client.initialize()
        client.open(TEXT)
        replace(client, 0, 6, 7, "b", version=2)
        answer = (await ask(client))["result"]
        offered = answer.pop("edit")
        assert answer == {"textDocument": {"uri": URI, "version": 2}, "stats": {}}
        assert offered.pop("command") == {
            "title": "Accept the edit",
            "command": "dgemma.editAccepted",
            "arguments": [offered.pop("id")],
        }
        assert offered == {
            "textDocument": {"uri": URI, "version": 2},
            "range": at(1, 8, 13),
            "newText": "b + b",
            "hunks": [{"range": at(1, 8, 9), "newText": "b"}, {"range": at(1, 12, 13), "newText": "b"}],
            "position": {"line": 1, "character": 8},
            "jump": False,
        }
        [request] = client.engine.requests
        assert request.middles == ("x = a + a",)
        assert request.replays == ("x = b + b",)
        assert request.changes == (Change(path="a.py", before="def f(a):\n", after="def f(b):\n"),)
        assert request.confidence == "normal"


async def test_after_the_last_place_nothing_is_offered() -> None:
    async with connected(replays) as client:
        await client.initialize()
        client.open("def f(a):\n    return a\n")
        replace(client, 0, 6, 7, "b", version=2)
        offered = await edit(client)
        replace(client, 1, 11, 12, offered["newText"], version=3)
        await client.request("workspace/executeCommand", offered["command"])
        answer = (await ask(client, version=3))["result"]
        assert "edit" not in answer
        assert answer["rejection"]["reason"] == "nothing_to_follow"


@pytest.mark.parametrize(("kind", "reason"), [(1, "no_changes"), (2, "unchanged")], ids=["asked", "unasked"])
async def test_the_status_tells_of_an_edit_only_where_it_was_asked_for(kind: int, reason: str) -> None:
    async with connected(rejects("unchanged")) as client:
        await client.initialize()
        client.open(TEXT)
        await client.complete(0, 1, invoked=True)
        await ask(client, version=1, context={"triggerKind": kind})
        assert await client.silence() == reason


async def test_an_untouched_document_asks_no_model() -> None:
    async with connected(replays) as client:
        await client.initialize()
        client.open(TEXT)
        assert (await ask(client, version=1))["result"]["rejection"]["reason"] == "no_changes"
        assert client.engine.requests == []


async def test_a_change_that_was_undone_is_none() -> None:
    async with connected(replays) as client:
        await client.initialize()
        client.open(TEXT)
        replace(client, 0, 6, 7, "b", version=2)
        replace(client, 0, 6, 7, "a", version=3)
        assert (await ask(client, version=3))["result"]["rejection"]["reason"] == "no_changes"


@pytest.mark.parametrize(("character", "is_offered"), [(9, False), (0, True)], ids=["there", "elsewhere"])
async def test_a_word_that_is_being_deleted_is_no_rename_while_the_cursor_is_there(
    character: int, *, is_offered: bool
) -> None:
    async with connected(replays) as client:
        await client.initialize()
        client.open("def f(total):\n    return total\n")
        replace(client, 0, 9, 11, "", version=2)
        position = {"line": 0, "character": character}
        assert bool(await edit(client, position=position)) == is_offered


async def test_an_edit_that_was_rejected_does_not_come_back() -> None:
    async with connected(replays) as client:
        await client.initialize()
        client.open("def f(a):\n    return a\n")
        replace(client, 0, 6, 7, "b", version=2)
        offered = await edit(client)
        rejection = {"command": "dgemma.editRejected", "arguments": [offered["id"]]}
        await client.request("workspace/executeCommand", rejection)
        client.insert(2, 0, "x = 1\n", version=3)
        assert (await ask(client, version=3))["result"]["rejection"]["reason"] == "rejected_before"
        assert await edit(client, version=3, context={"triggerKind": 1})


async def test_the_same_question_is_answered_from_memory() -> None:
    async with connected(rejects("unchanged")) as client:
        await client.initialize()
        client.open(TEXT)
        replace(client, 0, 6, 7, "b", version=2)
        for _ in range(2):
            assert (await ask(client))["result"]["rejection"]["reason"] == "nothing_to_follow"
        requests = client.engine.requests
        assert len(requests) == len(set(requests))


async def test_an_answer_that_took_too_long_is_not_remembered() -> None:
    async with connected(rejects("took_too_long")) as client:
        await client.initialize()
        client.open(TEXT)
        replace(client, 0, 6, 7, "b", version=2)
        assert (await ask(client))["result"]["rejection"]["reason"] == "took_too_long"
        client.engine.script = replays
        assert (await edit(client))["newText"] == "b + b"


async def test_another_engine_is_asked_anew() -> None:
    async with connected(rejects("unchanged")) as client:
        await client.initialize()
        client.open(TEXT)
        replace(client, 0, 6, 7, "b", version=2)
        assert await edit(client) == {}
        client.script = replays
        client.notify("workspace/didChangeConfiguration", {"settings": {"engine": {"checkpoint": "other/one"}}})
        while len(client.engines) == 1:
            await client.request("dgemma/status")
        assert (await edit(client))["newText"] == "b + b"


async def test_what_is_typed_towards_an_edit_keeps_it_on_offer() -> None:
    async with connected(replays) as client:
        await client.initialize()
        client.open("def f(a):\n    return a\n")
        replace(client, 0, 6, 7, "total", version=2)
        assert (await edit(client))["newText"] == "total"
        replace(client, 1, 11, 12, "to", version=3)
        asked = len(client.engine.requests)
        rest = await edit(client, version=3)
        assert (rest["range"], rest["newText"]) == (at(1, 13, 13), "tal")
        assert len(client.engine.requests) == asked


async def test_another_document_follows_and_is_jumped_to() -> None:
    async with connected(replays) as client:
        await rename_what_another_imports(client)
        offered = await edit(client)
        assert (offered["textDocument"], offered["range"], offered["jump"]) == (
            {"uri": OTHER, "version": 1},
            at(0, 14, 17),
            True,
        )


@pytest.mark.parametrize(
    ("uri", "text", "settings", "reason"),
    [
        (URI, TEXT, {"edits": {"automatic": False}}, "automatic_off"),
        (URI, TEXT, {"exclude": ["*.py"]}, "excluded"),
        ("file:///w/.env", "a=1\n", {}, "secret"),
        (URI, 'KEY = "-----BEGIN PRIVATE KEY-----\\n' + "A" * 40 + '"\n', {}, "secret"),
    ],
)
async def test_what_is_left_alone_gets_no_edit(uri: str, text: str, settings: Json, reason: str) -> None:
    async with connected(replays) as client:
        await client.initialize(initializationOptions=settings)
        client.open(text, uri=uri)
        replace(client, 0, 0, 1, "b", version=2, uri=uri)
        assert (await ask(client, uri=uri))["result"]["rejection"]["reason"] == reason
        assert client.engine.requests == []


async def test_what_is_left_alone_is_neither_shown_nor_changed() -> None:
    async with connected(replays) as client:
        await client.initialize(initializationOptions={"exclude": ["b.py"]})
        client.open("def old():\n    pass\n")
        client.open("from a import old\n", uri=OTHER)
        client.insert(0, 0, "x = 1\n", version=2, uri=OTHER)
        replace(client, 0, 4, 7, "new", version=2)
        assert (await ask(client))["result"]["rejection"]["reason"] == "nothing_to_follow"
        assert {change.path for request in client.engine.requests for change in request.changes} == {"a.py"}


@pytest.mark.parametrize(("kind", "follows"), [(2, False), (1, True)], ids=["unasked", "asked"])
async def test_a_document_in_a_language_that_is_off_follows_where_it_was_asked_for(kind: int, *, follows: bool) -> None:
    async with connected(replays) as client:
        await client.initialize()
        client.open("def old():\n    pass\n")
        client.open("`old`\n", uri="file:///w/README.md", language="markdown")
        replace(client, 0, 4, 7, "new", version=2)
        assert bool(await edit(client, context={"triggerKind": kind})) == follows


async def test_blank_lines_are_not_edited() -> None:
    async with connected(offers("x = 1")) as client:
        await client.initialize()
        client.open("a\n" + "\n" * 9)
        client.insert(9, 0, "\n\n", version=2)
        position = {"line": 9, "character": 0}
        assert (await ask(client, position=position))["result"]["rejection"]["reason"] == "nothing_to_follow"
        assert client.engine.requests == []


async def test_an_edit_of_a_document_that_has_changed_meanwhile_is_not_offered() -> None:
    async with connected(replays) as client:
        await rename_what_another_imports(client)
        await client.request("dgemma/status")
        client.engine.gate.clear()
        asked = ask(client)
        await client.request("dgemma/status")
        client.insert(0, 0, "x = 1\n", version=2, uri=OTHER)
        await client.request("dgemma/status")
        client.engine.gate.set()
        assert (await asked)["error"]["code"] == -32800
        assert (await edit(client))["range"] == at(1, 14, 17)


async def test_a_stale_question_gets_no_edit() -> None:
    async with connected(replays) as client:
        await client.initialize()
        client.open(TEXT)
        replace(client, 0, 6, 7, "b", version=2)
        assert (await ask(client, version=1))["result"]["rejection"]["reason"] == "other_version"


async def test_a_newer_question_cancels_the_older_and_frees_the_engine() -> None:
    async with connected(replays) as client:
        await client.initialize()
        client.open(TEXT)
        replace(client, 0, 6, 7, "b", version=2)
        await edit(client)
        client.engine.gate.clear()
        replace(client, 4, 2, 3, "2", version=3)
        older = ask(client, version=3)
        await client.request("dgemma/status")
        newer = ask(client, version=3)
        assert (await older)["error"]["code"] == -32800
        client.engine.gate.set()
        assert "edit" in (await newer)["result"]
        assert client.engine.cancelled == 1


COPILOT: Json = {"method": "textDocument/copilotInlineEdit"}


async def test_copilots_clients_get_one_edit_in_their_shape() -> None:
    async with connected(replays) as client:
        await client.initialize()
        client.open(TEXT)
        replace(client, 0, 6, 7, "b", version=2)
        client.notify("textDocument/didFocus", {"textDocument": {"uri": URI}})
        answer = (await ask(client, context={"triggerKind": 2}, **COPILOT))["result"]
        [offered] = answer["edits"]
        command = offered.pop("command")
        assert offered == {"text": "b + b", "textDocument": {"uri": URI, "version": 2}, "range": at(1, 8, 13)}
        client.notify("textDocument/didShowInlineEdit", {"item": {"command": command}})
        assert (await client.request("workspace/executeCommand", command))["result"] is None


@pytest.mark.parametrize("version", [1, 3])
async def test_copilots_clients_get_an_empty_list_where_there_is_nothing(version: int) -> None:
    async with connected(replays) as client:
        await client.initialize()
        client.open(TEXT)
        assert (await ask(client, version=version, **COPILOT))["result"] == {"edits": []}


async def test_copilots_clients_get_an_empty_list_and_no_error_where_they_have_asked_again() -> None:
    async with connected(replays) as client:
        await client.initialize()
        client.open(TEXT)
        await client.request("dgemma/status")
        client.engine.gate.clear()
        replace(client, 0, 6, 7, "b", version=2)
        older = ask(client, **COPILOT)
        await client.request("dgemma/status")
        newer = ask(client, **COPILOT)
        assert (await older)["result"] == {"edits": []}
        client.engine.gate.set()
        assert len((await newer)["result"]["edits"]) == 1


async def test_copilots_clients_get_an_empty_list_and_no_error_while_the_user_s_own_question_is_answered() -> None:
    async with connected(replays) as client:
        await client.initialize()
        client.open(TEXT)
        await client.request("dgemma/status")
        client.engine.gate.clear()
        replace(client, 0, 6, 7, "b", version=2)
        explicit = ask(client, context={"triggerKind": 1}, **COPILOT)
        await client.request("dgemma/status")
        assert (await ask(client, **COPILOT))["result"] == {"edits": []}
        client.engine.gate.set()
        assert len((await explicit)["result"]["edits"]) == 1
