"""`initialize`, answered before anything heavy is imported, because an editor waits for it.

The protocol's types alone take longer to import than an editor should wait. What is said here is what pygls says of the
server once it is there, which a test compares: it takes the same message afterwards, and keeps its answer to itself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from dgemma_lsp.framing import frame, read_bodies
from dgemma_lsp.host.identity import version

NAME = "dgemma-lsp"
ENCODINGS = ("utf-8", "utf-16", "utf-32")
INCREMENTAL = 2
NOTEBOOKS = {"notebookSelector": [{"notebook": "*"}]}


@dataclass(frozen=True, slots=True)
class Greeting:
    """The first message. request_id: of the `initialize` in it that has been answered; None where it is for the server
    to answer."""

    body: bytes
    request_id: int | str | None


def greet(source: BinaryIO, sink: BinaryIO) -> Greeting | None:
    """Take the first message from an editor and answer it if it is a sound `initialize`. None: the editor has left."""
    body = next(read_bodies(source), None)
    if body is None:
        return None
    request = _parsed(body)
    result = initialize_result(request.get("params"))
    request_id = request.get("id")
    sound = request.get("jsonrpc") == "2.0" and request.get("method") == "initialize"
    if not sound or result is None or type(request_id) not in (int, str):
        return Greeting(body, None)
    answer = {"jsonrpc": "2.0", "id": request_id, "result": result}
    sink.write(frame(json.dumps(answer).encode()))
    sink.flush()
    return Greeting(body, request_id)


def initialize_result(params: object) -> dict[str, object] | None:
    """The answer to `initialize`; None where its parameters are not what they should be."""
    capabilities = _member(params, "capabilities")
    general = _member(capabilities, "general")
    encodings = general.get("positionEncodings") if general is not None else None
    if capabilities is None or general is None or not isinstance(encodings, list | None):
        return None
    known = (encoding for encoding in cast(list[object], encodings or []) if encoding in ENCODINGS)
    answer: dict[str, object] = {
        "positionEncoding": next(known, "utf-16"),
        "textDocumentSync": {"openClose": True, "change": INCREMENTAL, "save": False},
        "executeCommandProvider": {"commands": []},
        "inlineCompletionProvider": {},
        "workspace": {"workspaceFolders": {"supported": True, "changeNotifications": True}, "fileOperations": {}},
    }
    if capabilities.get("notebookDocument") is not None:
        answer["notebookDocumentSync"] = NOTEBOOKS
    return {"capabilities": answer, "serverInfo": {"name": NAME, "version": version()}}


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        message: object = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return cast(dict[str, Any], message) if isinstance(message, dict) else {}


def _member(value: object, name: str) -> dict[str, object] | None:
    """An object in an object, an empty one where there is none; None where it, or `value`, is something else."""
    if not isinstance(value, dict):
        return None
    member = cast(dict[str, object], value).get(name)
    if member is None:
        return {}
    return cast(dict[str, object], member) if isinstance(member, dict) else None
