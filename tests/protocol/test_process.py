"""The server as an editor runs it: a process of its own, with the embedded checkpoint, driven by pytest-lsp."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_lsp
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient

from dgemma_lsp.documents.lines import Place, replace, split_lines
from tests.command import COMMAND

TEXT = "import os\n\n\ndef add(first, second):\n    return first + \n\n\nprint(add(1, 2))\n"
LINE, COLUMN = 4, 19

CAPABILITIES = types.ClientCapabilities(
    # pytest-lsp's own profiles do not know inline completion yet.
    text_document=types.TextDocumentClientCapabilities(inline_completion=types.InlineCompletionClientCapabilities()),
    general=types.GeneralClientCapabilities(position_encodings=[types.PositionEncodingKind.Utf16]),
)


@pytest_lsp.fixture(  # pyright: ignore[reportUnknownMemberType, reportUntypedFunctionDecorator]
    scope="module", config=ClientServerConfig(server_command=[COMMAND, "--stdio", "--in-process"])
)
async def client(lsp_client: LanguageClient) -> AsyncGenerator[None]:
    await lsp_client.initialize_session(types.InitializeParams(capabilities=CAPABILITIES))
    yield
    await lsp_client.shutdown_session()


@pytest.mark.asyncio(loop_scope="module")
async def test_completes_a_document_and_the_completion_applies(client: LanguageClient, tmp_path: Path) -> None:
    uri = (tmp_path / "add.py").as_uri()
    client.text_document_did_open(types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, "python", 1, TEXT)))
    answer = await client.text_document_inline_completion_async(
        types.InlineCompletionParams(
            context=types.InlineCompletionContext(types.InlineCompletionTriggerKind.Invoked),
            text_document=types.TextDocumentIdentifier(uri),
            position=types.Position(LINE, COLUMN),
        )
    )
    assert isinstance(answer, types.InlineCompletionList)
    assert 1 <= len(answer.items) <= 3
    before, after = TEXT.split("first + \n")
    for item in answer.items:
        assert isinstance(item.insert_text, str)
        assert item.insert_text.strip()
        assert item.range == types.Range(types.Position(LINE, COLUMN), types.Position(LINE, COLUMN))
        lines = split_lines(TEXT)
        replace(lines, Place(LINE, COLUMN), Place(LINE, COLUMN), item.insert_text)
        assert "".join(lines) == f"{before}first + {item.insert_text}\n{after}"


@pytest.mark.asyncio(loop_scope="module")
async def test_says_that_the_embedded_checkpoint_is_in_use(client: LanguageClient) -> None:
    status = await client.protocol.send_request_async("dgemma/status")
    assert status.checkpoint == "nano"
    assert "embedded checkpoint" in status.message
