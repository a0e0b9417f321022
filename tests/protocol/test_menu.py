"""`textDocument/completion`: suggestions in the menu of editors that have no inline completion."""

from __future__ import annotations

import pytest

from tests.protocol.scripted import offers, rejects
from tests.protocol.wire_client import Json, WireClient, connected

INVOKED, TRIGGERED, INCOMPLETE = 1, 2, 3
"""`CompletionTriggerKind` of the protocol."""


async def menu(client: WireClient, text: str, kind: int | None = INVOKED) -> Json:
    """The answer at the end of the first line of a document."""
    await client.initialize()
    client.open(text)
    context = {} if kind is None else {"context": {"triggerKind": kind}}
    character = len(text.split("\n")[0].encode("utf-16-le")) // 2
    position = {"line": 0, "character": character}
    params = {"textDocument": {"uri": "file:///w/a.py"}, "position": position, **context}
    return (await client.request("textDocument/completion", params))["result"]


@pytest.mark.parametrize(
    ("documents", "offered"),
    [
        (None, True),
        ({}, True),
        ({"completion": {}}, True),
        ({"completion": {}, "inlineCompletion": {}}, False),
    ],
)
async def test_a_menu_is_for_editors_without_inline_completion(documents: Json | None, offered: bool) -> None:
    async with connected(offers("x")) as client:
        capabilities = (await client.initialize({"textDocument": documents}))["capabilities"]
        assert ("completionProvider" in capabilities) == offered
        client.open("a = ")
        params = {"textDocument": {"uri": "file:///w/a.py"}, "position": {"line": 0, "character": 4}}
        answer = await client.request("textDocument/completion", params)
        assert (answer["result"]["items"] != []) if offered else answer["error"]["code"] == -32601


@pytest.mark.parametrize(
    ("text", "offer", "start", "replacement", "label", "filtered"),
    [
        ("x = ", "a + b", 4, "a + b", "a + b", "a + b"),
        ("x = he", "ap.pop()", 4, "heap.pop()", "heap.pop()", "heap.pop()"),
        ("😀 é", "t()", 3, "ét()", "ét()", "ét()"),
        ("if a:", "\r\n    b()\r\n    c()", 5, "\n    b()\n    c()", "b() …", "b()"),
        ("f", "or a in b:\n    c", 0, "for a in b:\n    c", "for a in b: …", "for a in b:"),
        ("x = ", " a", 4, " a", "a", " a"),
        ("x = ", "a" * 80, 4, "a" * 80, "a" * 60 + " …", "a" * 80),
    ],
)
async def test_an_item_replaces_the_word_that_menus_filter_by(
    text: str, offer: str, start: int, replacement: str, label: str, filtered: str
) -> None:
    async with connected(offers(offer)) as client:
        answer = await menu(client, f"{text}\nlast\n")
        assert answer["isIncomplete"] is True
        [shown] = answer["items"]
        assert (shown["label"], shown["filterText"]) == (label, filtered)
        end = {"line": 0, "character": len(text.encode("utf-16-le")) // 2}
        edit = {"range": {"start": {"line": 0, "character": start}, "end": end}, "newText": replacement}
        assert shown["textEdit"] == edit
        assert shown["detail"] == "dgemma (generated)"
        assert shown.get("documentation") == (replacement if "\n" in replacement.strip() else None)
        assert shown["insertTextFormat"] == 1
        assert "preselect" not in shown
        assert "insertTextMode" not in shown


@pytest.mark.parametrize(
    ("text", "kind", "count", "confidence"),
    [
        ("x = ", INVOKED, 3, None),
        ("x = ", None, 3, None),
        ("x = a", INVOKED, 1, "normal"),
        ("x = a", INCOMPLETE, 1, "normal"),
        ("x = a.", TRIGGERED, 1, "normal"),
        ("x = ", INCOMPLETE, 1, "normal"),
    ],
)
async def test_only_what_was_surely_asked_for_passes_no_gate(
    text: str, kind: int | None, count: int, confidence: str | None
) -> None:
    async with connected(offers("b", "c", "d", "e")) as client:
        items = (await menu(client, text, kind))["items"]
        assert [item["sortText"] for item in items] == ["~0", "~1", "~2"][:count]
        [request] = client.engine.requests
        assert (request.n, request.confidence) == (count, confidence)


async def test_nothing_to_offer_is_an_empty_menu_that_may_fill() -> None:
    async with connected(rejects("low_confidence")) as client:
        assert await menu(client, "x = a") == {"isIncomplete": True, "items": []}
        assert (await client.request("dgemma/status"))["result"]["lastSilenceReason"] == "low_confidence"


async def test_an_editor_that_can_leaves_indentation_alone() -> None:
    async with connected(offers("a\n  b")) as client:
        support = {"completionItem": {"insertTextModeSupport": {"valueSet": [1, 2]}}}
        await client.initialize({"textDocument": {"completion": support}})
        client.open("")
        params = {"textDocument": {"uri": "file:///w/a.py"}, "position": {"line": 0, "character": 0}}
        [item] = (await client.request("textDocument/completion", params))["result"]["items"]
        assert item["insertTextMode"] == 1


async def test_a_change_cancels_a_menu_and_the_engine() -> None:
    async with connected(offers("x")) as client:
        await client.initialize()
        client.open("a")
        await client.request("dgemma/status")
        client.engine.gate.clear()
        params = {"textDocument": {"uri": "file:///w/a.py"}, "position": {"line": 0, "character": 1}}
        answer = client.ask("textDocument/completion", params)
        await client.engine.asked.wait()
        client.insert(0, 1, "b", version=2)
        assert (await answer)["error"]["code"] == -32800
        assert client.engine.cancelled == 1


async def test_a_position_and_a_document_that_are_not_there_are_an_empty_menu() -> None:
    async with connected(offers("x")) as client:
        await client.initialize()
        client.open("a")
        for uri, line in (("file:///w/a.py", 7), ("file:///w/none.py", 0)):
            params = {"textDocument": {"uri": uri}, "position": {"line": line, "character": 0}}
            assert (await client.request("textDocument/completion", params))["result"]["items"] == []
