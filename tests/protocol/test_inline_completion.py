"""`textDocument/inlineCompletion`: what is asked of the engine, what the editor gets, and who wins."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from dgemma_lsp.wire.errors import EngineUnavailable, EngineUnresponsive
from engine.errors import EngineError
from tests.protocol.scripted import offers, rejects
from tests.protocol.wire_client import WireClient, connected

WORKSPACE = [{"uri": "file:///w", "name": "w"}]


def at(line: int, start: int, end: int) -> dict[str, Any]:
    return {"start": {"line": line, "character": start}, "end": {"line": line, "character": end}}


async def begun(client: WireClient, text: str, **initialize: object) -> None:
    """An initialized client with a document of this text and an engine."""
    await client.initialize(**initialize)  # pyright: ignore[reportArgumentType]
    client.open(text)
    await client.request("dgemma/status")


async def test_advertises_inline_completion_and_notebooks() -> None:
    async with connected(offers("x")) as client:
        result = await client.initialize({"notebookDocument": {"synchronization": {}}})
        capabilities = result["capabilities"]
        assert capabilities["inlineCompletionProvider"] == {}
        assert capabilities["textDocumentSync"]["change"] == 2
        assert capabilities["textDocumentSync"]["openClose"] is True
        assert capabilities["notebookDocumentSync"]["notebookSelector"] == [{"notebook": "*"}]
        assert result["serverInfo"]["name"] == "dgemma-lsp"


@pytest.mark.parametrize(
    ("offered", "encoding"),
    [
        (None, "utf-16"),
        (["utf-8", "utf-16"], "utf-8"),
        (["utf-7", "utf-32"], "utf-32"),
        (["utf-7"], "utf-16"),
    ],
)
async def test_positions_are_in_the_first_unit_of_the_client_that_is_known(
    offered: list[str] | None, encoding: str
) -> None:
    columns = {"utf-8": 4, "utf-16": 2, "utf-32": 1}
    async with connected(offers("x")) as client:
        general = {} if offered is None else {"general": {"positionEncodings": offered}}
        result = await client.initialize(general)
        assert result["capabilities"]["positionEncoding"] == encoding
        client.open("😀b")
        column = columns[encoding]
        answer = await client.complete(0, column)
        assert client.engine.requests[0].prefix == "😀"
        assert answer["result"]["items"] == [{"insertText": "x", "range": at(0, column, column)}]


async def test_asks_for_the_text_around_the_cursor_and_answers_with_an_empty_range_there() -> None:
    async with connected(offers("b + c", "d")) as client:
        await begun(client, "a = \nprint(a)\n", workspaceFolders=WORKSPACE)
        answer = await client.complete(0, 4)
        [request] = client.engine.requests
        assert (request.prefix, request.suffix) == ("a = ", "\nprint(a)\n")
        assert (request.path, request.language_id, request.n) == ("a.py", "python", 1)
        assert answer["result"] == {"items": [{"insertText": "b + c", "range": at(0, 4, 4)}]}


async def test_an_explicit_request_gets_several_candidates() -> None:
    async with connected(offers("b", "c", "d", "e")) as client:
        await begun(client, "a = ")
        answer = await client.complete(0, 4, invoked=True)
        assert [item["insertText"] for item in answer["result"]["items"]] == ["b", "c", "d"]


async def test_only_a_suggestion_that_nobody_asked_for_has_to_be_certain() -> None:
    async with connected(rejects("low_confidence")) as client:
        await begun(client, "a = ")
        assert (await client.complete(0, 4))["result"] == {"items": []}
        assert (await client.request("dgemma/status"))["result"][
            "lastSilence"
        ] == "the model is not certain of anything here"
        await client.complete(0, 4, invoked=True)
        assert [request.confidence for request in client.engine.requests] == ["normal", None]


@pytest.mark.parametrize(
    ("inline", "confidence", "max_line_nll"),
    [({"confidence": "shy"}, "shy", None), ({"confidence": "bold", "maxLineNll": 3}, "bold", 3)],
)
async def test_a_preset_goes_to_the_engine_by_its_name_and_nats_beside_it(
    inline: dict[str, Any], confidence: str, max_line_nll: float | None
) -> None:
    async with connected(offers("b")) as client:
        await client.initialize(initializationOptions={"inline": inline})
        client.open("a = ")
        await client.complete(0, 4)
        await client.complete(0, 4, invoked=True)
        sent = [(request.confidence, request.max_line_nll) for request in client.engine.requests]
        assert sent == [(confidence, max_line_nll), (None, None)]


async def test_nothing_to_offer_is_an_empty_list_with_a_named_reason() -> None:
    async with connected(rejects("repeats_suffix")) as client:
        await begun(client, "a = ")
        assert (await client.complete(0, 4))["result"] == {"items": []}
        status = (await client.request("dgemma/status"))["result"]
        assert status["lastSilence"] == "what the model offers only repeats the code after the hole"
        assert status["lastSilenceReason"] == "repeats_suffix"


@pytest.mark.parametrize(
    ("line", "character", "uri", "reason"),
    [
        (7, 0, "file:///w/a.py", "there is no such position in the document"),
        (0, 0, "file:///w/unknown.py", "the document is not open"),
        (0, 0, "git:/a.py", "an older version of a file is left alone"),
    ],
)
async def test_positions_and_documents_that_are_not_there_get_an_empty_list(
    line: int, character: int, uri: str, reason: str
) -> None:
    async with connected(offers("x")) as client:
        await begun(client, "a = ")
        client.open("text", uri="git:/a.py")
        assert (await client.complete(line, character, uri=uri))["result"] == {"items": []}
        assert (await client.request("dgemma/status"))["result"]["lastSilence"] == reason
        assert client.engine.requests == []


@pytest.mark.parametrize("invoked", [False, True])
@pytest.mark.parametrize(
    ("uri", "text", "reason"),
    [
        ("file:///w/.env", "A=", "secret"),
        ("file:///w/a.py", "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n", "secret"),
        ("file:///w/gen/a.py", "a = ", "excluded"),
    ],
)
async def test_what_is_excluded_reaches_no_engine_even_if_asked(
    uri: str, text: str, reason: str, invoked: bool
) -> None:
    async with connected(offers("x")) as client:
        await begun(client, "", initializationOptions={"exclude": ["gen/"]}, workspaceFolders=WORKSPACE)
        client.open(text, uri=uri)
        assert (await client.complete(0, 0, uri=uri, invoked=invoked))["result"] == {"items": []}
        status = (await client.request("dgemma/status"))["result"]
        assert status["lastSilenceReason"] == reason
        assert client.engine.requests == []


async def test_what_an_ignore_file_excludes_reaches_no_engine(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("b.py\n")
    async with connected(offers("x")) as client:
        await begun(client, "", workspaceFolders=[{"uri": tmp_path.as_uri(), "name": "w"}])
        for name, count in (("a.py", 1), ("b.py", 0)):
            uri = (tmp_path / name).as_uri()
            client.open("a = ", uri=uri)
            assert len((await client.complete(0, 4, uri=uri))["result"]["items"]) == count
        status = (await client.request("dgemma/status"))["result"]
        assert status["lastSilence"] == "excluded by .gitignore"


@pytest.mark.parametrize(
    ("language", "languages", "invoked", "count"),
    [
        ("markdown", {}, False, 0),
        ("markdown", {}, True, 1),
        ("markdown", {"markdown": True}, False, 1),
        ("gitcommit", {}, False, 0),
        ("python", {"python": False}, False, 0),
        ("python", {"*": False}, False, 0),
        ("python", {"*": False}, True, 1),
    ],
)
async def test_languages_are_switched_off_for_what_nobody_asked_for(
    language: str, languages: dict[str, bool], invoked: bool, count: int
) -> None:
    async with connected(offers("x")) as client:
        await begun(client, "", initializationOptions={"languages": languages})
        client.open("Some wo", uri="file:///w/b", language=language)
        assert len((await client.complete(0, 7, uri="file:///w/b", invoked=invoked))["result"]["items"]) == count
        silence = (await client.request("dgemma/status"))["result"]["lastSilence"]
        assert silence == (None if count else f"turned off for {language}")


async def test_a_position_past_the_end_of_its_line_means_the_end() -> None:
    async with connected(offers("x")) as client:
        await begun(client, "ab\ncd")
        answer = await client.complete(0, 99)
        assert answer["result"]["items"][0]["range"] == at(0, 2, 2)


async def test_a_selected_completion_is_continued_in_its_own_range() -> None:
    async with connected(offers("append(b)")) as client:
        await begun(client, "a.app()")
        selected = {"range": at(0, 2, 5), "text": "append"}
        answer = await client.complete(0, 5, selectedCompletionInfo=selected)
        [request] = client.engine.requests
        assert request.middles == ("app",)
        assert request.must_start_with == "append"
        assert answer["result"]["items"] == [{"insertText": "append(b)", "range": at(0, 2, 5)}]


async def test_a_selection_over_several_lines_cannot_be_continued() -> None:
    async with connected(offers("x")) as client:
        await begun(client, "a.\nb")
        lines = {"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 0}}
        answer = await client.complete(0, 1, selectedCompletionInfo={"range": lines, "text": "a"})
        assert answer["result"] == {"items": []}


async def test_line_ends_of_an_answer_are_line_feeds() -> None:
    async with connected(offers("b\r\nc\r\n")) as client:
        await begun(client, "a = \r\nd\r\n")
        answer = await client.complete(0, 4)
        assert client.engine.requests[0].suffix == "\r\nd\r\n"
        assert answer["result"]["items"][0]["insertText"] == "b\nc\n"


async def test_a_version_the_client_names_has_to_be_the_documents() -> None:
    async with connected(offers("x")) as client:
        await begun(client, "a = ")
        for version, count in ((1, 1), (2, 0)):
            params = {
                "textDocument": {"uri": "file:///w/a.py", "version": version},
                "position": {"line": 0, "character": 4},
                "context": {"triggerKind": 1},
                "formattingOptions": {"tabSize": 4, "insertSpaces": True},
            }
            answer = await client.request("textDocument/inlineCompletion", params)
            assert len(answer["result"]["items"]) == count


async def test_of_two_hundred_requests_in_a_row_the_last_wins() -> None:
    async with connected(offers("x")) as client:
        await begun(client, "")
        client.engine.gate.clear()
        answers: list[asyncio.Future[dict[str, Any]]] = []
        for count in range(200):
            client.insert(0, count, "a", version=count + 2)
            answers.append(client.complete(0, count + 1))
        earlier = [await answer for answer in answers[:-1]]
        client.engine.gate.set()
        assert {answer["error"]["code"] for answer in earlier} == {-32800}
        assert len((await answers[-1])["result"]["items"]) == 1
        assert client.engine.requests[-1].text == "a" * 200
        assert client.engine.cancelled == len(client.engine.requests) - 1


async def test_a_newer_request_wins_within_its_document_only() -> None:
    async with connected(offers("x")) as client:
        await begun(client, "a")
        client.open("b", uri="file:///w/b.py")
        client.engine.gate.clear()
        old, other, new = client.complete(0, 0), client.complete(0, 0, uri="file:///w/b.py"), client.complete(0, 1)
        assert (await old)["error"]["code"] == -32800
        client.engine.gate.set()
        assert len((await other)["result"]["items"]) == len((await new)["result"]["items"]) == 1


async def test_a_change_cancels_what_is_being_answered_for_the_text_before_it() -> None:
    async with connected(offers("x")) as client:
        await begun(client, "a")
        client.engine.gate.clear()
        answer = client.complete(0, 1)
        client.insert(0, 0, "b", version=2)
        assert (await answer)["error"]["code"] == -32800


async def test_typing_through_a_suggestion_asks_the_engine_once() -> None:
    async with connected(offers("print(a)")) as client:
        await begun(client, "")
        await client.complete(0, 0)
        for count, rest in enumerate(("rint(a)", "int(a)", "nt(a)"), start=1):
            client.insert(0, count - 1, "print(a)"[count - 1], version=count + 1)
            answer = await client.complete(0, count)
            assert answer["result"]["items"] == [{"insertText": rest, "range": at(0, count, count)}]
        assert len(client.engine.requests) == 1
        client.insert(0, 3, "!", version=5)
        await client.complete(0, 4)
        assert len(client.engine.requests) == 2


async def typed(client: WireClient, text: str) -> None:
    """Put `text` at the end of the first line, which is all there is of the document, from version 2 on."""
    for version, character in enumerate(text, start=2):
        client.insert(0, 99, character, version=version)


def menu(text: str, start: int, end: int) -> dict[str, Any]:
    """The entry that the completion menu shows, over what has been typed of it."""
    return {"selectedCompletionInfo": {"range": at(0, start, end), "text": text}}


async def shown(client: WireClient, character: int, **context: object) -> list[str]:
    answer = await client.complete(0, character, **context)  # pyright: ignore[reportArgumentType]
    return [item["insertText"] for item in answer["result"]["items"]]


@pytest.mark.parametrize(
    ("entry", "offered", "asked"),
    [
        (None, ["sabs(p)"], False),
        (("isabs", 3, 4), ["isabs(p)"], False),
        (("isfile", 3, 4), [], True),
        (("zzz", 3, 4), [], True),
        (("isabs(p)", 3, 4), [], True),
        (("p.isabs", 2, 4), [], True),
        (("p.isabs", 1, 4), ["p.isabs(p)"], False),
    ],
)
async def test_what_is_remembered_goes_on_as_the_completion_menu_has_it(
    entry: tuple[str, int, int] | None, offered: list[str], asked: bool
) -> None:
    async with connected(offers("isabs(p)")) as client:
        await begun(client, "op.")
        await client.complete(0, 3)
        client.engine.script = rejects("low_confidence")
        await typed(client, "i")
        assert await shown(client, 4, **({} if entry is None else menu(*entry))) == offered
        assert len(client.engine.requests) == 1 + asked


async def test_what_was_offered_for_an_entry_of_the_menu_is_not_offered_without_it() -> None:
    async with connected(offers("append(b)")) as client:
        await begun(client, "a.app")
        assert await shown(client, 5, **menu("append", 2, 5)) == ["append(b)"]
        client.engine.script = rejects("low_confidence")
        await typed(client, "e")
        assert await shown(client, 6, **menu("append", 2, 6)) == ["append(b)"]
        assert await shown(client, 6) == []
        assert client.engine.requests[-1].must_start_with is None


async def test_an_entry_of_the_menu_itself_is_no_suggestion() -> None:
    async with connected(offers("append")) as client:
        await begun(client, "a.app")
        assert await shown(client, 5, invoked=True, **menu("append", 2, 5)) == []
        assert await client.silence() == "nothing_to_add"


async def test_what_the_user_asked_for_is_not_shown_unasked_in_the_same_place() -> None:
    async with connected(offers("abc", "xyz")) as client:
        await begun(client, "")
        assert await shown(client, 0, invoked=True) == ["abc", "xyz"]
        client.engine.script = rejects("low_confidence")
        assert await shown(client, 0) == []
        assert await client.silence() == "low_confidence"


@pytest.mark.parametrize(("key", "rest"), [("a", ["bc"]), ("x", ["yz"]), ("?", [])])
async def test_what_the_user_asked_for_can_be_typed_through(key: str, rest: list[str]) -> None:
    async with connected(offers("abc", "xyz", "xx")) as client:
        await begun(client, "")
        await client.complete(0, 0, invoked=True)
        client.engine.script = rejects("low_confidence")
        await typed(client, key)
        assert await shown(client, 1) == rest


@pytest.mark.parametrize("text", ["first(a)", "first(\n    a,\n)", "a"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
async def test_what_was_accepted_and_taken_back_is_not_offered_from_memory(text: str, line_end: str) -> None:
    async with connected(offers(text)) as client:
        await begun(client, f"x = {line_end}y")
        assert len(await shown(client, 4)) == 1
        client.insert(0, 4, text.replace("\n", line_end), version=2)
        client.change({"text": f"x = {line_end}y"}, version=3)
        client.engine.script = rejects("low_confidence")
        assert await shown(client, 4) == []
        assert len(client.engine.requests) == 2


async def test_backspace_brings_back_what_has_been_typed_through() -> None:
    async with connected(offers("abc")) as client:
        await begun(client, "")
        await client.complete(0, 0)
        await typed(client, "ab")
        client.change({"range": at(0, 1, 2), "text": ""}, version=4)
        assert await shown(client, 1) == ["bc"]
        assert len(client.engine.requests) == 1


async def test_an_automatic_request_leaves_alone_what_the_user_asks_for() -> None:
    async with connected(offers("abc")) as client:
        await begun(client, "a")
        client.engine.gate.clear()
        asked, unasked = client.complete(0, 1, invoked=True), client.complete(0, 1)
        assert (await unasked)["error"]["code"] == -32800
        assert await client.silence() == "thinking"
        client.engine.gate.set()
        assert len((await asked)["result"]["items"]) == 1
        assert await client.silence() is None


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"invoked": True}, {"character": 0}),
        ({"invoked": True}, {"invoked": True}),
        ({"invoked": True}, menu("ab", 0, 1)),
        ({}, {"invoked": True}),
        ({}, {}),
    ],
)
async def test_every_other_newer_request_takes_the_place_of_an_older(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    async with connected(offers("abc")) as client:
        await begun(client, "a")
        client.engine.gate.clear()
        older, newer = (client.complete(0, each.pop("character", 1), **each) for each in (dict(first), dict(second)))
        assert (await older)["error"]["code"] == -32800
        client.engine.gate.set()
        assert len((await newer)["result"]["items"]) == 1


async def test_the_reason_for_a_silence_is_that_of_the_last_request() -> None:
    async with connected(rejects("low_confidence")) as client:
        await begun(client, "a")
        client.open("b", uri="output:b")

        async def reason(line: int = 0, uri: str = "file:///w/a.py", version: int | None = None) -> str | None:
            params = {
                "textDocument": {"uri": uri, "version": version},
                "position": {"line": line, "character": 0},
                "context": {"triggerKind": 2},
            }
            assert (await client.request("textDocument/inlineCompletion", params))["result"] == {"items": []}
            return await client.silence()

        assert await client.silence() is None
        assert await reason() == "low_confidence"
        assert await reason(line=7) == "no_position"
        assert await reason(uri="output:b") == "no_code"
        assert await reason() == "low_confidence"
        assert await reason(version=7) == "other_version"
        assert await reason(uri="") == "not_open"
        client.notify("workspace/didChangeConfiguration", {"settings": {"inline": {"automatic": False}}})
        assert await reason() == "automatic_off"


async def test_still_thinking_and_cancelled_are_told_apart() -> None:
    async with connected(rejects("low_confidence")) as client:
        await begun(client, "a")
        client.open("b", uri="file:///w/b.py")
        await client.complete(0, 1)
        client.engine.gate.clear()
        older = client.complete(0, 1)
        assert await client.silence() == "thinking"
        newer = client.complete(0, 1, uri="file:///w/b.py")
        client.insert(0, 0, "c", version=2)
        assert (await older)["error"]["code"] == -32800
        assert await client.silence() == "thinking"
        client.insert(0, 0, "c", version=2, uri="file:///w/b.py")
        assert (await newer)["error"]["code"] == -32800
        assert await client.silence() == "cancelled"


async def test_a_lone_surrogate_reaches_the_engine_as_a_replacement_character() -> None:
    async with connected(offers("x")) as client:
        await begun(client, "a\ud800b")
        await client.complete(0, 2)
        assert client.engine.requests[0].prefix == "a\N{REPLACEMENT CHARACTER}"


async def test_of_a_large_document_the_engine_sees_a_window() -> None:
    async with connected(offers("x")) as client:
        await begun(client, "value = 1\n" * 500_000)
        answer = await client.complete(400_000, 9)
        assert answer["result"]["items"][0]["range"] == at(400_000, 9, 9)
        assert 10_000 < len(client.engine.requests[0].text) < 30_000


@pytest.mark.parametrize("failure", [EngineError("no memory"), EngineUnavailable("it died")])
async def test_a_failing_engine_means_an_empty_list_and_the_next_request_tries_again(failure: EngineError) -> None:
    async with connected(offers("x")) as client:
        await begun(client, "a")
        client.engine.failure = failure
        assert (await client.complete(0, 1))["result"] == {"items": []}
        assert (await client.request("dgemma/status"))["result"]["lastSilence"] == str(failure)
        client.engine.failure = None
        assert len((await client.complete(0, 1))["result"]["items"]) == 1


async def test_an_engine_that_hangs_is_a_status_that_says_so() -> None:
    async with connected(offers("x")) as client:
        await begun(client, "a")
        client.engine.failure = EngineUnresponsive("it hangs")
        assert (await client.complete(0, 1))["result"] == {"items": []}
        status = (await client.request("dgemma/status"))["result"]
        assert (status["state"], status["message"]) == ("failed", "it hangs")


async def test_no_log_line_holds_source_text(caplog: pytest.LogCaptureFixture) -> None:
    async with connected(offers("secret_answer")) as client:
        with caplog.at_level("INFO"):
            await begun(client, "secret_name = ")
            await client.complete(0, 14)
            client.send_raw(b'{"jsonrpc": "2.0", "id": 77, "method": "textDocument/didOpen", "params": "secret"}')
            client.notify("textDocument/didChange", {"textDocument": {"uri": "secret"}, "contentChanges": "secret"})
            await client.request("dgemma/status")
    said = [message for message in client.notifications if message["method"] == "window/logMessage"]
    assert any("1 of 1 shown" in message["params"]["message"] for message in said)
    assert "secret" not in json.dumps(said) + caplog.text


async def test_an_automatic_request_is_given_up_at_the_deadline_and_an_explicit_one_is_not() -> None:
    async with connected(offers("x")) as client:
        await begun(client, "a", initializationOptions={"inline": {"deadlineMs": 1}})
        client.engine.gate.clear()
        assert (await client.complete(0, 1))["result"]["items"] == []
        status = (await client.request("dgemma/status"))["result"]
        assert (status["lastSilence"], status["lastSilenceReason"]) == ("took too long", "took_too_long")
        assert client.engine.cancelled == 1
        explicit = client.complete(0, 1, invoked=True)
        await asyncio.sleep(0.05)
        client.engine.gate.set()
        assert len((await explicit)["result"]["items"]) == 1
        assert client.engine.cancelled == 1
