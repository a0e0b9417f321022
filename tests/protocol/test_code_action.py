"""`textDocument/codeAction`: what is on offer where, and the edit of an action that was chosen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.protocol.scripted import Script, offers, rejects, status
from tests.protocol.wire_client import Json, WireClient, connected

URI = "file:///w/a.py"
CODE_ACTION: Json = {
    "codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["", "quickfix", "refactor"]}},
    "dataSupport": True,
    "resolveSupport": {"properties": ["edit"]},
    "tagSupport": {"valueSet": [1]},
}
ANNOTATIONS: Json = {"documentChanges": True, "changeAnnotationSupport": {}}
AT = {"start": {"line": 1, "character": 4}, "end": {"line": 1, "character": 4}}
LINE = {"start": {"line": 1, "character": 0}, "end": {"line": 2, "character": 0}}
UNDEFINED = {"range": {**AT, "end": {"line": 1, "character": 5}}, "message": "b is\n not defined"}


async def begun(client: WireClient, edit: Json | None = None, *, language: str = "python", **own: object) -> None:
    capabilities = {"textDocument": {"codeAction": CODE_ACTION | own}, "workspace": {"workspaceEdit": edit or {}}}
    await client.initialize(capabilities)
    client.open("def f():\n    b = 1\n", language=language)


async def listed(client: WireClient, at: Json, uri: str = URI, **context: object) -> list[Json]:
    params: Json = {"textDocument": {"uri": uri}, "range": at, "context": {"diagnostics": [], **context}}
    actions: Any = (await client.request("textDocument/codeAction", params))["result"]
    return actions


@pytest.mark.parametrize(
    ("language", "at", "context", "titles"),
    [
        ("python", LINE, {}, ["simplify", "add type hints", "add a docstring"]),
        ("typescript", LINE, {}, ["simplify", "add types", "add a documentation comment"]),
        ("sql", LINE, {}, ["simplify"]),
        ("sql", AT, {"triggerKind": 2}, []),
        ("sql", AT, {"triggerKind": 1}, ["simplify"]),
        ("sql", AT, {"only": ["refactor"]}, ["simplify"]),
        ("sql", LINE, {"only": ["source.fixAll", "refactor.extract"]}, []),
        ("sql", AT, {"diagnostics": [UNDEFINED]}, ["fix “b is not defined”"]),
        ("sql", LINE, {"diagnostics": [UNDEFINED], "only": ["quickfix"]}, ["fix “b is not defined”"]),
    ],
)
async def test_offers_what_suits_the_language_and_the_place(
    language: str, at: Json, context: Json, titles: list[str]
) -> None:
    async with connected(offers("x")) as client:
        await begun(client, language=language)
        actions = await listed(client, at, **context)
        assert [action["title"] for action in actions] == [f"Rewrite with DiffusionGemma: {title}" for title in titles]
        assert all(action["tags"] == [1] and "edit" not in action for action in actions)
        kinds = {"quickfix" if "fix" in action["title"] else "refactor.rewrite": action["kind"] for action in actions}
        assert all(kind == expected for expected, kind in kinds.items())
        assert all(engine.requests == [] for engine in client.engines)


async def test_offers_nothing_in_what_is_excluded_or_not_open_and_no_tags_to_who_knows_none() -> None:
    async with connected(offers("x")) as client:
        await begun(client, tagSupport=None)
        client.open("A=1\nB=2\n", uri="file:///w/.env")
        assert await listed(client, LINE, uri="file:///w/.env") == []
        assert await listed(client, LINE, uri="file:///w/b.py") == []
        assert "tags" not in (await listed(client, LINE))[0]


async def resolved(client: WireClient, at: Json = LINE, **context: object) -> Json:
    [action, *_] = await listed(client, at, **context)  # pyright: ignore[reportArgumentType] - none is the URI
    return await client.request("codeAction/resolve", action)


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        ({}, {"changes": {URI: [{"range": 0, "newText": "b = 2"}]}}),
        (
            {"documentChanges": True},
            {
                "documentChanges": [
                    {"textDocument": {"uri": URI, "version": 1}, "edits": [{"range": 0, "newText": "b = 2"}]}
                ]
            },
        ),
        (
            ANNOTATIONS,
            {
                "documentChanges": [
                    {
                        "textDocument": {"uri": URI, "version": 1},
                        "edits": [{"range": 0, "newText": "b = 2", "annotationId": "dgemma"}],
                    }
                ],
                "changeAnnotations": {
                    "dgemma": {"label": "Rewrite with DiffusionGemma: simplify", "needsConfirmation": True}
                },
            },
        ),
    ],
)
async def test_a_chosen_action_gets_its_edit_as_the_editor_can_take_it(edit: Json, expected: Json) -> None:
    async with connected(offers("b = 2")) as client:
        await begun(client, edit)
        told = (await resolved(client))["result"]["edit"]
        [change] = told["changes"][URI] if "changes" in told else told["documentChanges"][0]["edits"]
        assert (change.pop("range"), change.pop("newText")) == (
            {"start": {"line": 1, "character": 4}, "end": {"line": 1, "character": 9}},
            "b = 2",
        )
        [known] = expected["changes"][URI] if "changes" in expected else expected["documentChanges"][0]["edits"]
        del known["range"], known["newText"]
        assert told == expected
        [request] = client.engine.requests
        assert request.instruction == "Simplify this code without changing what it does."


async def test_a_fix_rewrites_the_statement_of_its_diagnostic_and_names_its_message() -> None:
    async with connected(offers("c = 1")) as client:
        await begun(client)
        action = (await resolved(client, AT, diagnostics=[UNDEFINED]))["result"]
        [request] = client.engine.requests
        assert (request.middles, request.instruction) == (("b = 1",), "Fix this: b is not defined")
        assert action["diagnostics"] == [UNDEFINED]


async def test_a_diagnostics_message_becomes_one_short_line_of_plain_text() -> None:
    message = "\x1b[1;31merror\x1b[0m: expected `)`\r\n  \u2028|\t\x00\ud800 note: " + "x" * 1_000
    async with connected(offers("c = 1")) as client:
        await begun(client)
        action = (await resolved(client, AT, diagnostics=[UNDEFINED | {"message": message}]))["result"]
        [request] = client.engine.requests
        told = "error: expected `)` | note: "
        assert request.instruction == f"Fix this: {told}{'x' * (400 - len(told))}…"
        assert action["title"] == f"Rewrite with DiffusionGemma: fix “{told}{'x' * (60 - len(told))}…”"


@pytest.mark.parametrize(
    ("script", "follows", "messages"),
    [
        (rejects("breaks_syntax"), True, ["nothing to offer: what the model offers breaks the syntax"] * 2),
        (offers("c"), True, []),
        (
            offers("c"),
            False,
            ["the checkpoint nano was not trained to follow instructions; the result ignores yours"],
        ),
    ],
)
async def test_what_the_user_should_know_is_told(script: Script, follows: bool, messages: list[str]) -> None:
    async with connected(script) as client:
        await begun(client)
        await client.request("dgemma/status")
        client.engine.statuses.put_nowait(replace(status("ready"), follows_instructions=follows))
        for _ in range(2):
            await resolved(client)
        told = [
            message["params"]["message"]
            for message in client.notifications
            if message["method"] == "window/showMessage"
        ]
        assert told == [f"dgemma-lsp: {message}" for message in messages]


async def test_offers_nothing_where_the_settings_or_an_ignore_file_exclude_the_document(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("build/\n")
    folder = tmp_path.as_uri()
    async with connected(offers("x")) as client:
        capabilities = {"textDocument": {"codeAction": CODE_ACTION}}
        folders = [{"uri": folder, "name": "w"}]
        await client.initialize(
            capabilities, initializationOptions={"exclude": ["gen/"]}, workspaceFolders=folders, rootUri=folder
        )
        for path, offered in (("gen/a.py", False), ("build/a.py", False), ("src/a.py", True)):
            client.open("a = 1\nb = 2\n", uri=f"{folder}/{path}")
            assert bool(await listed(client, LINE, uri=f"{folder}/{path}")) is offered


async def test_an_action_for_another_version_is_refused() -> None:
    async with connected(offers("c")) as client:
        await begun(client)
        [action, *_] = await listed(client, LINE)
        client.insert(0, 0, "#", version=2)
        assert (await client.request("codeAction/resolve", action))["error"]["code"] == -32801
