"""`dgemma/rewrite`: what is asked of the engine, what the editor gets, and what becomes of a request that is late."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from dgemma_lsp.wire.messages import Event
from infill.request import Draft, InfillRequest, Rejection
from tests.protocol.scripted import answer, offers, rejects, status
from tests.protocol.wire_client import WireClient, connected

URI = "file:///w/a.py"


def span(start: tuple[int, int], end: tuple[int, int]) -> dict[str, Any]:
    (line, column), (last, past) = start, end
    return {"start": {"line": line, "character": column}, "end": {"line": last, "character": past}}


def rewrite(
    client: WireClient, start: tuple[int, int], end: tuple[int, int], instruction: str = "do it", **more: object
) -> asyncio.Future[dict[str, Any]]:
    """Ask for a rewrite. version: of the document."""
    document = {"uri": more.pop("uri", URI), "version": more.pop("version", 1)}
    params = {"textDocument": document, "range": span(start, end), "instruction": instruction, **more}
    return client.ask("dgemma/rewrite", params)


@pytest.mark.parametrize(
    ("text", "start", "end", "hole", "answer", "hunks"),
    [
        (
            "a\n    b = 1\n    c = 2\nd\n",
            (1, 0),
            (3, 0),
            "b = 1\n    c = 2",
            "b = 1\n    c = 3",
            [(span((2, 0), (2, 9)), "    c = 3")],
        ),
        ("a\r\n\tb\r\n\tc\r\n", (1, 0), (3, 0), "b\r\n\tc", "b\r\n\tc\r\n\td", [(span((2, 2), (2, 2)), "\r\n\td")]),
        ("f()\nx = '😀'; y = 1", (1, 10), (1, 15), "y = 1", "y = 2", [(span((1, 10), (1, 15)), "y = 2")]),
        ("def f():\n    return 1\n", (1, 7), (1, 7), "return 1", "return 2", [(span((1, 4), (1, 12)), "return 2")]),
        ("a\n\nb\n", (1, 0), (1, 0), "", "c", [(span((1, 0), (1, 0)), "c")]),
    ],
    ids=["column 0", "CRLF and tabs", "no last line end", "empty selection", "blank line"],
)
async def test_a_selection_is_a_hole_and_the_answer_its_changed_lines(
    text: str,
    start: tuple[int, int],
    end: tuple[int, int],
    hole: str,
    answer: str,
    hunks: list[tuple[dict[str, Any], str]],
) -> None:
    async with connected(offers(answer)) as client:
        await client.initialize()
        client.open(text)
        result = (await rewrite(client, start, end))["result"]
        [request] = client.engine.requests
        assert (request.middles, request.instruction, request.path) == ((hole,), "do it", "a.py")
        assert result["textDocument"] == {"uri": URI, "version": 1}
        [candidate] = result["candidates"]
        assert [(hunk["range"], hunk["newText"]) for hunk in candidate["hunks"]] == hunks
        assert "rejection" not in result
        assert result["stats"]["passes"] == 3
        [owner] = client.engine.owners
        assert owner is not None
        assert (owner.document, owner.kind) == (URI, "rewrite")


async def test_each_draft_is_a_partial_result_that_stands_in_place_of_the_selection() -> None:
    drafts = [Draft(pieces=((("b", 1.5), (" = 0", 0.5)),)), Draft(pieces=((("b = 2", 0.0),),))]
    async with connected(offers("b = 2", drafts=drafts)) as client:
        await client.initialize()
        client.open("a:\n  b = 1\n")
        answer = rewrite(client, (1, 0), (2, 0), partialResultToken="t")
        assert (await answer)["result"]["candidates"] != []
        frames = [message["params"] for message in client.notifications if message["method"] == "$/progress"]
        assert frames == [
            {"token": "t", "value": [["  ", 0.0], ["b", 1.5], [" = 0", 0.5], ["\n", 0.0]]},
            {"token": "t", "value": [["  ", 0.0], ["b = 2", 0.0], ["\n", 0.0]]},
        ]


async def test_the_seed_is_the_one_that_the_editor_names() -> None:
    async with connected(offers("b = 2")) as client:
        await client.initialize()
        client.open("a:\n  b = 1\n")
        await rewrite(client, (1, 0), (2, 0))
        await rewrite(client, (1, 0), (2, 0), seed=7)
        assert [request.seed for request in client.engine.requests] == [0, 7]


async def test_a_stale_version_is_refused_and_says_so() -> None:
    async with connected(offers("b")) as client:
        await client.initialize()
        client.open("a")
        client.insert(0, 0, "x", version=2)
        error = (await rewrite(client, (0, 0), (0, 1), version=1))["error"]
        assert error["code"] == -32801
        assert error["message"] == "the document has changed: version 1 was asked for, 2 is there"
        assert client.engines == [] or client.engine.requests == []


async def test_a_newer_one_a_change_and_a_cancellation_end_a_rewrite() -> None:
    async with connected(offers("b")) as client:
        await client.initialize()
        client.open("a")
        await client.request("dgemma/status")
        client.engine.gate.clear()
        old = rewrite(client, (0, 0), (0, 1))
        await client.engine.asked.wait()
        new = rewrite(client, (0, 0), (0, 1), "do more")
        assert (await old)["error"]["code"] == -32800
        client.insert(0, 1, "x", version=2)
        assert (await new)["error"]["code"] == -32800
        third = rewrite(client, (0, 0), (0, 1), version=2)
        await client.request("dgemma/status")
        client.notify("$/cancelRequest", {"id": 5})
        assert (await third)["error"]["code"] == -32800
        completion = client.complete(0, 0, invoked=True)
        fourth = rewrite(client, (0, 0), (0, 1), version=2)
        await client.request("dgemma/status")
        client.engine.gate.set()
        assert len((await fourth)["result"]["candidates"]) == 1
        assert (await completion)["result"]["items"] != []


def too_long(request: InfillRequest) -> list[Event]:
    return [answer(rejection=Rejection(reason="too_long", limit=200))]


@pytest.mark.parametrize(
    ("uri", "text", "instruction", "reason", "message"),
    [
        ("file:///w/.env", "A=1", "x", "secret", "excluded: looks like a secret"),
        ("file:///w/gen/a.py", "a", "x", "excluded", "excluded by the setting `exclude`"),
        ("git:/a.py", "a", "x", "no_code", "an older version of a file is left alone"),
        (URI, "a", " ", "no_instruction", "an instruction has to say what shall become of the selection"),
        (URI, "a", "x", "too_long", "too long to replace at once: choose about 20 lines (600 characters) or fewer"),
    ],
)
async def test_what_is_not_rewritten_has_its_reason(
    uri: str, text: str, instruction: str, reason: str, message: str
) -> None:
    async with connected(too_long) as client:
        folders = [{"uri": "file:///w", "name": "w"}]
        await client.initialize(initializationOptions={"exclude": ["gen/"]}, workspaceFolders=folders)
        client.open(text, uri=uri)
        result = (await rewrite(client, (0, 0), (0, 1), instruction, uri=uri))["result"]
        assert result["candidates"] == []
        assert result["rejection"] == {"reason": reason, "message": message}
        assert await client.silence() == reason
        assert len(client.engine.requests) == (reason == "too_long")


async def test_a_rewrite_that_changes_nothing_says_so() -> None:
    async with connected(offers("a")) as client:
        await client.initialize()
        client.open("a")
        result = (await rewrite(client, (0, 0), (0, 1)))["result"]
        assert (result["candidates"], result["rejection"]["reason"]) == ([], "unchanged")
        client.engine.script = rejects("breaks_syntax")
        result = (await rewrite(client, (0, 0), (0, 1)))["result"]
        assert (result["candidates"], result["rejection"]["reason"]) == ([], "breaks_syntax")


@pytest.mark.parametrize("follows", [True, False])
async def test_a_checkpoint_that_follows_no_instructions_says_so_once(follows: bool) -> None:
    async with connected(offers("b")) as client:
        await client.initialize()
        client.open("a")
        await client.request("dgemma/status")
        client.engine.statuses.put_nowait(replace(status("ready"), follows_instructions=follows))
        first, second = [(await rewrite(client, (0, 0), (0, 1)))["result"]["stats"] for _ in range(2)]
        notice = "the checkpoint nano was not trained to follow instructions; the result ignores yours"
        assert first.get("notice") == (None if follows else notice)
        assert "notice" not in second


@pytest.mark.parametrize(("encoding", "columns"), [("utf-8", (6, 14)), ("utf-16", (4, 9)), ("utf-32", (3, 7))])
async def test_positions_are_in_the_encoding_that_was_agreed_on(encoding: str, columns: tuple[int, int]) -> None:
    start, end = ((1, column) for column in columns)
    async with connected(offers("[y]")) as client:
        await client.initialize({"general": {"positionEncodings": [encoding]}})
        client.open("a\n🦀  [é🦀] \r\nb")
        result = (await rewrite(client, start, end))["result"]
        assert client.engine.requests[0].middles == ("[é🦀]",)
        [candidate] = result["candidates"]
        assert candidate["hunks"] == [{"range": span(start, end), "newText": "[y]"}]


async def test_a_lone_surrogate_is_kept_where_it_is_and_shown_to_no_model() -> None:
    async with connected(offers("b = 2")) as client:
        await client.initialize()
        client.open("s = '\ud83d'; b = 1\n")
        result = (await rewrite(client, (0, 9), (0, 14), "two \udc00"))["result"]
        [request] = client.engine.requests
        assert (request.text, request.instruction) == ("s = '\ufffd'; b = 1\n", "two \ufffd")
        [candidate] = result["candidates"]
        assert candidate["hunks"] == [{"range": span((0, 9), (0, 14)), "newText": "b = 2"}]


@pytest.mark.parametrize(
    ("language", "text", "start", "end", "answer", "hunks"),
    [
        ("python", "a\rb\rc", (1, 0), (2, 0), "b\nx", [(span((1, 1), (1, 1)), "\rx")]),
        ("python", "a\r\n\tb\rc\nd", (1, 0), (2, 1), "b\n\tx\nc", [(span((2, 0), (2, 0)), "\tx\n")]),
        ("python", "a\nb", (1, 0), (1, 1), "b\nc", [(span((1, 1), (1, 1)), "\nc")]),
        ("markdown", "m\n```py\nx = 1\n```\n", (1, 0), (4, 0), "x = 2", [(span((2, 0), (2, 5)), "x = 2")]),
        ("markdown", "m\n```py\nx = 1\n```\n", (1, 2), (1, 2), "x = 2", [(span((2, 0), (2, 5)), "x = 2")]),
    ],
    ids=["lone CR", "mixed ends", "no last line end", "fence", "the cursor in a fence"],
)
async def test_lines_keep_their_ends_and_a_fence_stays(
    language: str,
    text: str,
    start: tuple[int, int],
    end: tuple[int, int],
    answer: str,
    hunks: list[tuple[dict[str, Any], str]],
) -> None:
    async with connected(offers(answer)) as client:
        await client.initialize()
        client.open(text, language=language)
        [candidate] = (await rewrite(client, start, end))["result"]["candidates"]
        assert [(hunk["range"], hunk["newText"]) for hunk in candidate["hunks"]] == hunks


async def test_a_draft_for_each_step_and_its_lines_end_in_line_feeds() -> None:
    drafts = [Draft(pieces=((("b\n" * step, 1.0 / step),),)) for step in range(1, 49)]
    async with connected(offers("b", drafts=drafts)) as client:
        await client.initialize()
        client.open("\r\n  a\r\n")
        await rewrite(client, (0, 0), (2, 0), partialResultToken=7)
        frames = [message["params"] for message in client.notifications if message["method"] == "$/progress"]
        assert len(frames) == len(drafts)
        assert frames[1] == {"token": 7, "value": [["\n  ", 0.0], ["b\nb\n", 0.5], ["\n", 0.0]]}
