"""Rewrites as editors ask for them: what each declares and sends, recorded or read in its source, and what it gets."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from tests.protocol.scripted import offers
from tests.protocol.wire_client import Json, connected

URI = "file:///w/a.py"
TEXT = "def f():\n\tx = '🦀'; b = 1\n"
KINDS = ["", "quickfix", "refactor", "refactor.extract", "refactor.inline", "refactor.rewrite", "source"]
LITERALS = {"codeActionKind": {"valueSet": KINDS}}
OPERATIONS = ["create", "rename", "delete"]

NEOVIM: Json = {  # 0.12.4, recorded
    "general": {"positionEncodings": ["utf-8", "utf-16", "utf-32"]},
    "textDocument": {
        "codeAction": {
            "codeActionLiteralSupport": LITERALS,
            "resolveSupport": {"properties": ["edit", "command"]},
            "isPreferredSupport": True,
            "disabledSupport": True,
            "honorsChangeAnnotations": True,
            "dataSupport": True,
            "dynamicRegistration": True,
        }
    },
    "workspace": {
        "applyEdit": True,
        "workspaceEdit": {
            "resourceOperations": OPERATIONS,
            "normalizesLineEndings": True,
            "changeAnnotationSupport": {"groupsOnLabel": True},
        },
    },
}
VS_CODE: Json = {  # vscode-languageclient 11
    "general": {"positionEncodings": ["utf-16"]},
    "textDocument": {
        "codeAction": NEOVIM["textDocument"]["codeAction"]
        | {"documentationSupport": True, "tagSupport": {"valueSet": [1]}}
    },
    "workspace": {
        "applyEdit": True,
        "workspaceEdit": {
            "documentChanges": True,
            "resourceOperations": OPERATIONS,
            "failureHandling": "textOnlyTransactional",
            "normalizesLineEndings": True,
            "changeAnnotationSupport": {"groupsOnLabel": True},
            "metadataSupport": True,
            "snippetEditSupport": True,
        },
    },
}
COC: Json = {  # coc.nvim
    "textDocument": {
        "codeAction": {
            "dynamicRegistration": True,
            "isPreferredSupport": True,
            "disabledSupport": True,
            "dataSupport": True,
            "honorsChangeAnnotations": False,
            "resolveSupport": {"properties": ["edit"]},
            "codeActionLiteralSupport": LITERALS,
        }
    },
    "workspace": {
        "applyEdit": True,
        "workspaceEdit": {
            "documentChanges": True,
            "resourceOperations": OPERATIONS,
            "failureHandling": "undo",
            "normalizesLineEndings": True,
            "changeAnnotationSupport": {"groupsOnLabel": False},
        },
    },
}
LSP4IJ: Json = {
    "textDocument": {
        "codeAction": {
            "dynamicRegistration": True,
            "codeActionLiteralSupport": LITERALS,
            "dataSupport": True,
            "resolveSupport": {"properties": ["edit"]},
        }
    },
    "workspace": {
        "applyEdit": True,
        "executeCommand": {"dynamicRegistration": True},
        "workspaceEdit": {"documentChanges": True, "resourceOperations": OPERATIONS},
    },
}


@pytest.mark.parametrize(
    ("capabilities", "columns", "context", "form", "tags"),
    [
        (NEOVIM, (13, 18), {"triggerKind": 1, "diagnostics": []}, "changes", None),
        (VS_CODE, (11, 16), {"triggerKind": 1, "diagnostics": [], "only": ["refactor.rewrite"]}, "confirmed", [1]),
        (COC, (11, 16), {"diagnostics": [], "triggerKind": 1}, "confirmed", None),
        (LSP4IJ, (11, 16), {"diagnostics": []}, "versioned", None),
    ],
    ids=["Neovim", "VS Code", "coc.nvim", "LSP4IJ"],
)
async def test_each_editor_gets_the_edit_that_it_can_take(
    capabilities: Json,
    columns: tuple[int, int],
    context: Json,
    form: Literal["changes", "versioned", "confirmed"],
    tags: list[int] | None,
) -> None:
    start, end = ({"line": 1, "character": column} for column in columns)
    span = {"start": start, "end": end}
    async with connected(offers("b = 2")) as client:
        told = await client.initialize(capabilities)
        assert told["capabilities"]["codeActionProvider"]["resolveProvider"] is True
        item = {"uri": URI, "languageId": "python", "version": 0, "text": TEXT}
        client.notify("textDocument/didOpen", {"textDocument": item})
        params = {"textDocument": {"uri": URI}, "range": span, "context": context}
        actions: Any = (await client.request("textDocument/codeAction", params))["result"]
        assert [action.get("tags") for action in actions] == [tags] * len(actions)
        # Editors send back what they were given, with or without what they do not know.
        kept = {name: actions[0][name] for name in ("title", "kind", "data")}
        edit = (await client.request("codeAction/resolve", kept))["result"]["edit"]
        [request] = client.engine.requests
        assert request.middles == ("b = 1",)
    plain = {"range": span, "newText": "b = 2"}
    document = {"uri": URI, "version": 0}
    if form == "changes":
        assert edit == {"changes": {URI: [plain]}}
    elif form == "versioned":
        assert edit == {"documentChanges": [{"textDocument": document, "edits": [plain]}]}
    else:
        [change] = edit["documentChanges"]
        [annotated] = change["edits"]
        annotation = edit["changeAnnotations"][annotated.pop("annotationId")]
        assert (change["textDocument"], annotated) == (document, plain)
        assert annotation == {"label": actions[0]["title"], "needsConfirmation": True}
