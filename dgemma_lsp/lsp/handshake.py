"""`initialize`, answered before anything heavy is imported, because an editor waits for it.

The protocol's types alone take longer to import than an editor should wait. What is said here is what pygls says of the
server once it is there, which a test compares: it takes the same message afterwards, and keeps its answer to itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from dgemma_lsp.lsp.framing import frame
from dgemma_lsp.wire.identity import version

NAME = "dgemma-lsp"
ENCODINGS = ("utf-8", "utf-16", "utf-32")
INCREMENTAL = 2
TRIGGER_CHARACTERS = (".",)
"""Few, because editors take what a menu shows with keys that are typed after other characters, such as Enter."""

CODE_ACTION_KINDS = ("quickfix", "refactor.rewrite")

COMMANDS = ("dgemma.editAccepted", "dgemma.editRejected")

NOTEBOOKS = {"notebookSelector": [{"notebook": "*"}]}


@dataclass(frozen=True, slots=True)
class Greeting:
    """The first message. request_id: of the `initialize` in it that has been answered; None where it is for the server
    to answer."""

    body: bytes
    request_id: int | str | None


def greet(bodies: Iterator[bytes], sink: BinaryIO) -> Greeting | None:
    """Take the first message from an editor and answer it if it is an `initialize`. None: the editor has left."""
    body = next(bodies, None)
    if body is None:
        return None
    request = _parsed(body)
    request_id = request.get("id")
    sound = request.get("jsonrpc") == "2.0" and request.get("method") == "initialize"
    if not sound or type(request_id) not in (int, str):
        return Greeting(body, None)
    answer = {"jsonrpc": "2.0", "id": request_id, "result": initialize_result(request.get("params"))}
    sink.write(frame(json.dumps(answer).encode()))
    sink.flush()
    return Greeting(body, request_id)


def initialize_result(params: object) -> dict[str, object]:
    """The answer to `initialize`. Parameters of the wrong type count as absent."""
    capabilities = _member(params, "capabilities")
    encodings = _member(capabilities, "general").get("positionEncodings")
    offered = cast(list[object], encodings) if isinstance(encodings, list) else []
    answer: dict[str, object] = {
        "positionEncoding": next((encoding for encoding in offered if encoding in ENCODINGS), "utf-16"),
        "textDocumentSync": {"openClose": True, "change": INCREMENTAL, "save": False},
        "executeCommandProvider": {"commands": list(COMMANDS)},
        "inlineCompletionProvider": {},
        "workspace": {"workspaceFolders": {"supported": True, "changeNotifications": True}, "fileOperations": {}},
    }
    if not isinstance(_member(capabilities, "textDocument").get("inlineCompletion"), dict):
        answer["completionProvider"] = {"triggerCharacters": list(TRIGGER_CHARACTERS)}
    if _resolves_edits(_member(_member(capabilities, "textDocument"), "codeAction")):
        answer["codeActionProvider"] = {"codeActionKinds": list(CODE_ACTION_KINDS), "resolveProvider": True}
    if isinstance(capabilities.get("notebookDocument"), dict):
        answer["notebookDocumentSync"] = NOTEBOOKS
    return {"capabilities": answer, "serverInfo": {"name": NAME, "version": version()}}


def _resolves_edits(code_action: dict[str, object]) -> bool:
    """Whether an editor asks for the edit of a code action when it is chosen."""
    properties = _member(code_action, "resolveSupport").get("properties")
    literal = isinstance(code_action.get("codeActionLiteralSupport"), dict)
    return literal and code_action.get("dataSupport") is True and isinstance(properties, list) and "edit" in properties


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        message: object = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return cast(dict[str, Any], message) if isinstance(message, dict) else {}


def _member(value: object, name: str) -> dict[str, object]:
    """An object in an object; an empty one where there is none."""
    member = cast(dict[str, object], value).get(name) if isinstance(value, dict) else None
    return cast(dict[str, object], member) if isinstance(member, dict) else {}
