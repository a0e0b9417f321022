"""Edits as other editors' plug-ins ask for them, their requests as they were recorded."""

from __future__ import annotations

from typing import Any

import pytest

from tests.protocol.test_inline_edit import URI, at, replace, replays
from tests.protocol.wire_client import Json, connected

TEXT = "def f(size):\n    y = '😀' * size\n    return y\n"
POSITION = {"line": 0, "character": 9}

# Name, position encodings that it offers, what it sends beside the document and the position, and whether it adds the
# document's version.
RECORDED: list[tuple[str, list[str], Json, bool]] = [
    ("sidekick.nvim", ["utf-8", "utf-16", "utf-32"], {"context": {"triggerKind": 2}}, True),
    ("copilot-lsp", ["utf-16"], {}, True),
    ("copilot.lua", ["utf-16"], {"context": {"triggerKind": 2}, "formattingOptions": {"tabSize": 4}}, True),
    ("coc.nvim", ["utf-16"], {"context": {"triggerKind": 1}}, False),
]


@pytest.mark.parametrize(("name", "encodings", "more", "versioned"), RECORDED, ids=[own[0] for own in RECORDED])
async def test_a_plug_in_gets_one_edit_in_its_own_encoding(
    name: str, encodings: list[str], more: Json, *, versioned: bool
) -> None:
    async with connected(replays) as client:
        result = await client.initialize(
            {"general": {"positionEncodings": encodings}},
            initializationOptions={"editorInfo": {"name": "Neovim"}, "editorPluginInfo": {"name": name}},
        )
        client.open(TEXT)
        replace(client, 0, 6, 10, "n", version=2)
        document: dict[str, Any] = {"uri": URI} | ({"version": 2} if versioned else {})
        params = {"textDocument": document, "position": POSITION, **more}
        client.notify("textDocument/didFocus", {"textDocument": {"uri": URI}})
        answer = (await client.request("textDocument/copilotInlineEdit", params))["result"]
        width = {"utf-8": 4, "utf-16": 2}[result["capabilities"]["positionEncoding"]]
        start = len("    y = '") + width + len("' * ")
        [edit] = answer["edits"]
        assert edit["range"] == at(1, start, start + len("size"))
        assert edit["text"] == "n"
        assert edit["textDocument"] == {"uri": URI, "version": 2}
        client.notify("textDocument/didShowInlineEdit", {"item": {"command": edit["command"]}})
        assert (await client.request("workspace/executeCommand", edit["command"])) == {
            "jsonrpc": "2.0",
            "id": 3,
            "result": None,
        }


async def test_what_plug_ins_send_beside_does_no_harm() -> None:
    async with connected(replays) as client:
        await client.initialize()
        client.open(TEXT)
        client.notify("textDocument/didFocus", {})
        client.notify("textDocument/didShowInlineEdit", {"item": None})
        unknown = {"command": "github.copilot.didAcceptNextEditSuggestionItem", "arguments": ["x"]}
        assert "error" in await client.request("workspace/executeCommand", unknown)
        forgotten = {"command": "dgemma.editAccepted", "arguments": ["no such edit"]}
        assert (await client.request("workspace/executeCommand", forgotten))["result"] is None
        assert "error" in await client.request("workspace/executeCommand", {"command": "dgemma.editAccepted"})
