"""Documents as an editor tells of them: followed to the letter, or given up and told so."""

from __future__ import annotations

import pytest

from tests.protocol.scripted import offers
from tests.protocol.wire_client import Json, connected

NUMBER_MAX_VALUE = 1.7976931348623157e308
URI = "file:///w/a.py"


def changed(start: object, end: object, text: object = "x", **change: object) -> Json:
    return {
        "range": {"start": {"line": 0, "character": start}, "end": {"line": 0, "character": end}},
        "text": text,
    } | change


@pytest.mark.parametrize(
    ("change", "after"),
    [
        ({"text": "whole"}, "whole"),
        ({"text": "whole", "range": None}, "whole"),
        (changed(1, 2), "axc"),
        (changed(1, 99), "ax"),
        (changed(1, 2**31), "ax"),
        (changed(1, 2**53 - 1), "ax"),
        (changed(1, 10**400), "ax"),
        (changed(1, NUMBER_MAX_VALUE), "ax"),
        (changed(1, 2.0), "axc"),
        (changed(1, 2, rangeLength=-1), "axc"),
        (changed(1, 2, rangeLength=NUMBER_MAX_VALUE), "axc"),
    ],
)
@pytest.mark.parametrize("identifier", [{"version": 2}, {"version": None}, {}, {"version": "2"}, {"version": 2**40}])
async def test_a_change_is_followed(change: Json, after: str, identifier: Json) -> None:
    async with connected(offers("y")) as client:
        await client.initialize()
        client.open("abc")
        client.change(change, **identifier)
        assert len((await client.complete(0, 9, invoked=True))["result"]["items"]) == 1
        assert client.engine.requests[-1].text == after


@pytest.mark.parametrize(
    "change",
    [
        changed(1, -1),
        changed(-1, 2),
        changed(1, "2"),
        changed(1, None),
        changed(1, True),
        changed(1, float("nan")),
        changed(1, 2, text=None),
        changed(1, 2, text=5),
        {"range": {"start": {"line": 0}}, "text": "x"},
        {"range": [], "text": "x"},
        {},
        None,
    ],
)
async def test_a_change_that_cannot_be_read_costs_the_document_until_it_is_opened_again(change: object) -> None:
    async with connected(offers("y")) as client:
        await client.initialize()
        client.open("abc")
        client.open("abc", uri="file:///w/b.py")
        client.change(change, version=2)
        assert (await client.complete(0, 1, invoked=True))["result"] == {"items": []}
        assert await client.silence() == "out_of_step"
        assert "a.py could not be read" in (await client.seen("window/showMessage"))["message"]
        client.insert(0, 0, "z", version=3)
        assert (await client.complete(0, 1, invoked=True))["result"] == {"items": []}
        assert len((await client.complete(0, 1, uri="file:///w/b.py"))["result"]["items"]) == 1
        client.open("abc")
        assert len((await client.complete(0, 1))["result"]["items"]) == 1
        assert await client.silence() is None
        assert len([message for message in client.notifications if message["method"] == "window/showMessage"]) == 1


@pytest.mark.parametrize(
    "params",
    [
        {"textDocument": {"uri": URI, "version": "two"}, "contentChanges": []},
        {"textDocument": {"uri": URI, "version": []}, "contentChanges": []},
        {"textDocument": {"uri": URI, "version": 2}, "contentChanges": None},
        {"textDocument": {"uri": URI, "version": 0}, "contentChanges": []},
        {"textDocument": {"uri": 5, "version": 2}, "contentChanges": []},
        {"textDocument": 5, "contentChanges": []},
        {},
        [],
    ],
)
async def test_a_change_of_what_cannot_be_read_may_be_one_of_any_document(params: object) -> None:
    async with connected(offers("y")) as client:
        await client.initialize()
        client.open("abc")
        client.send({"method": "textDocument/didChange", "params": params})
        assert (await client.complete(0, 1))["result"] == {"items": []}
        assert await client.silence() == "out_of_step"


@pytest.mark.parametrize("body", [b"{", b"", b"[]", b'[{"jsonrpc": "2.0", "method": "a"}]', b"null", b"\xff"])
async def test_a_message_that_cannot_be_read_may_have_been_a_change(body: bytes) -> None:
    async with connected(offers("y")) as client:
        await client.initialize()
        client.open("abc")
        client.send_raw(body)
        assert (await client.complete(0, 1))["result"] == {"items": []}
        assert await client.silence() == "out_of_step"


@pytest.mark.parametrize("again", ["open", "close", "rename", "unreadable"])
async def test_what_is_answered_for_a_text_that_is_gone_is_cancelled(again: str) -> None:
    async with connected(offers("y")) as client:
        await client.initialize()
        client.open("def add(a, b):\n    return ")
        await client.request("dgemma/status")
        client.engine.gate.clear()
        answer = client.complete(1, 11, invoked=True)
        if again in ("close", "rename"):
            client.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
        if again == "unreadable":
            client.change({}, version=2)
        if again in ("open", "rename"):
            client.open("x = 1\n", uri=URI if again == "open" else "file:///w/b.py")
        assert (await answer)["error"]["code"] == -32800
        assert await client.silence() == "cancelled"


@pytest.mark.parametrize("uri", ["scp://h/a.py", "vscode-userdata:/a", "inmemory://m/1", "file://[bad/x.py", "a", ""])
async def test_every_scheme_of_a_text_is_served(uri: str) -> None:
    async with connected(offers("y")) as client:
        await client.initialize(workspaceFolders=[{"uri": "file://[w", "name": "w"}])
        client.open("abc", uri=uri)
        assert len((await client.complete(0, 1, uri=uri))["result"]["items"]) == 1


async def test_special_tokens_in_a_document_are_text() -> None:
    async with connected(offers("y")) as client:
        await client.initialize()
        client.open("a = '<bos><eos><pad><mask>'\n")
        await client.complete(1, 0, invoked=True)
        assert client.engine.requests[-1].text == "a = '<bos><eos><pad><mask>'\n"
