"""Messages that no editor should send, made from those that editors do."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any, cast

from dgemma_lsp.lsp.framing import frame

Json = dict[str, Any]

URI = "file:///w/a.py"
TEXT = {"uri": URI, "languageId": "python", "version": 1, "text": "def add(a, b):\n    return a + b\n"}
CELL = "vscode-notebook-cell:/w/a.ipynb#1"
START = {"line": 0, "character": 0}
RANGE = {"start": START, "end": {"line": 1, "character": 4}}
AT = {"textDocument": {"uri": URI, "version": 1}, "position": {"line": 1, "character": 11}}

REQUESTS: dict[str, object] = {
    "initialize": {"processId": None, "capabilities": {"general": {"positionEncodings": ["utf-8"]}}},
    "textDocument/inlineCompletion": {
        **AT,
        "context": {"triggerKind": 1, "selectedCompletionInfo": {"range": RANGE, "text": "add"}},
        "formattingOptions": {"tabSize": 4, "insertSpaces": True},
    },
    "textDocument/completion": {**AT, "context": {"triggerKind": 1}, "workDoneToken": "a", "partialResultToken": 1},
    "textDocument/codeAction": {"textDocument": {"uri": URI}, "range": RANGE, "context": {"diagnostics": []}},
    "textDocument/hover": AT,
    "workspace/executeCommand": {"command": "none", "arguments": [1]},
    "dgemma/status": {"type_name": "a", "b": [{"c": 1}]},
    "$/unknown": {},
    "no/such/method": [1, {"a": None}],
}
NOTIFICATIONS: dict[str, object] = {
    "initialized": {},
    "textDocument/didOpen": {"textDocument": TEXT},
    "textDocument/didChange": {
        "textDocument": {"uri": URI, "version": 2},
        "contentChanges": [{"range": RANGE, "rangeLength": 4, "text": "x"}, {"text": "y"}],
    },
    "textDocument/didClose": {"textDocument": {"uri": URI}},
    "textDocument/didSave": {"textDocument": {"uri": URI}, "text": "x"},
    "notebookDocument/didOpen": {
        "notebookDocument": {
            "uri": "file:///w/a.ipynb",
            "notebookType": "jupyter-notebook",
            "version": 1,
            "cells": [{"kind": 2, "document": CELL}],
        },
        "cellTextDocuments": [{**TEXT, "uri": CELL}],
    },
    "notebookDocument/didChange": {
        "notebookDocument": {"uri": "file:///w/a.ipynb", "version": 2},
        "change": {
            "cells": {
                "structure": {"array": {"start": 0, "deleteCount": 0}, "didOpen": [{**TEXT, "uri": CELL}]},
                "textContent": [
                    {"document": {"uri": CELL, "version": 2}, "changes": [{"range": RANGE, "text": "x"}, {"text": "y"}]}
                ],
            }
        },
    },
    "notebookDocument/didClose": {
        "notebookDocument": {"uri": "file:///w/a.ipynb"},
        "cellTextDocuments": [{"uri": CELL}],
    },
    "workspace/didChangeConfiguration": {"settings": {"dgemma": {"inline": {"candidates": 2, "mode": "line"}}}},
    "workspace/didChangeWorkspaceFolders": {
        "event": {"added": [{"uri": "file:///w", "name": "w"}], "removed": [{"uri": "file:///v", "name": "v"}]}
    },
    "window/workDoneProgress/cancel": {"token": "a"},
    "$/setTrace": {"value": "verbose"},
    "$/cancelRequest": {"id": "none"},
    "$/progress": {"token": 1, "value": {"kind": "end"}},
    "no/such/notification": None,
}
ODD: list[Any] = [
    *(None, True, False, 0, -1, 1.5, 2**31, 2**63, 10**400, 1.7976931348623157e308, float("nan"), float("inf")),
    *("", "a", "\ud800", "\0", "é" * 99, "file://[bad", "a:", "x" * 100_000),
    *([], {}, [[]], [None], {"": None}, {"jsonrpc": "2.0"}, {"jsonrpc": "2.0", "id": 1, "method": "exit"}),
]


def messages(seed: int, count: int) -> Iterator[tuple[bytes, str | int | None]]:
    """`count` messages as they are sent, and the id that has to be answered once, where there is one. None of them asks
    the server to end."""
    chance = random.Random(seed)
    for number in range(1_000_000, 1_000_000 + count):
        body, request_id = _message(chance, number)
        if chance.random() < 0.97:
            yield frame(body), request_id
        else:
            yield _mangled(chance, body), None


def _message(chance: random.Random, number: int) -> tuple[bytes, str | int | None]:
    kind = chance.random()
    if kind < 0.1:
        return _noise(chance), None
    if kind < 0.15:
        return _dumped({"jsonrpc": "2.0", "id": chance.choice([number, "a", *ODD]), **_answer(chance)}), None
    method, params = chance.choice([*REQUESTS.items(), *NOTIFICATIONS.items()])
    request_id: Any = chance.choice([number, f"#{number}"])
    message: Json = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": json.loads(json.dumps(params))}
    if method in NOTIFICATIONS and chance.random() < 0.8:
        del message["id"]
    if chance.random() < 0.6:
        _exchange_one(chance, message)
    named = message.get("id")
    answered = "method" in message and type(named) in (int, str) and named == request_id
    return _dumped(message), named if answered else None


def _exchange_one(chance: random.Random, message: Json) -> None:
    """Put something odd in the place of one member, at any depth, or leave it out."""
    places = list(_places(message))
    holder, key = chance.choice(places)
    if chance.random() < 0.2 and isinstance(holder, dict):
        del holder[key]
    else:
        holder[key] = chance.choice(ODD)


def _places(value: object) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict):
        members = list(cast(dict[Any, object], value).items())
    else:
        members = list(enumerate(cast(list[object], value))) if isinstance(value, list) else []
    for key, member in members:
        yield value, key
        yield from _places(member)


def _answer(chance: random.Random) -> Json:
    error = {"code": chance.choice([-32601, *ODD]), "message": chance.choice(["a", *ODD])}
    return chance.choice([{"result": chance.choice(ODD)}, {"error": error}, {"error": chance.choice(ODD)}, {}])


def _noise(chance: random.Random) -> bytes:
    sound = _dumped({"jsonrpc": "2.0", "method": "initialized", "params": {}})
    return chance.choice(
        [
            chance.randbytes(chance.randrange(99)),
            _dumped(chance.choice(ODD[:-2])),
            b"[" + sound + b"," + sound + b"]",
            b"[" * 5_000,
            b'{"a":' * 900 + b"1" + b"}" * 900,
            sound[:-3],
            b"\xef\xbb\xbf" + sound,
            sound.decode().encode("utf-16"),
            '{"jsonrpc":"2.0","method":"é"}'.encode("latin-1"),
            b"1" * 5_000,
        ]
    )


def _mangled(chance: random.Random, body: bytes) -> bytes:
    """A message whose header does not tell its length, between line ends that keep it apart from others."""
    length = chance.choice([-1, len(body) - 1, len(body) + 999, 10**13, 10**20, "1" * 5_000, "two", ""])
    return b"\r\n\r\nContent-Length: %s\r\n\r\n%s\r\n" % (str(length).encode(), body)


def _dumped(message: Any) -> bytes:  # noqa: ANN401 - any JSON
    return json.dumps(message).encode()
