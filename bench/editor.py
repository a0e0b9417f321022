"""An editor for measurements: speaks LSP over a pair of byte streams and waits for every answer."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, BinaryIO

from dgemma_lsp.lsp.framing import read_bodies

URI = "file:///bench/document.py"
FRAMES = "frames"
"""The token of a rewrite's drafts."""


class Editor:
    """One connection with one open document, edited and asked about."""

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._bodies = read_bodies(source)
        self._sink = sink
        self._requests = 0
        self._version = 1

    def initialize(self, capabilities: dict[str, object] | None = None, **params: object) -> dict[str, Any]:
        """The server's own capabilities, once `initialize` has been answered."""
        asked = {"processId": None, "capabilities": capabilities or {}, **params}
        return self.request("initialize", asked)["result"]["capabilities"]

    def open(self, text: str) -> None:
        """Declare the connection initialized and open the document."""
        self.notify("initialized", {})
        self.reopen(text)

    def reopen(self, text: str) -> None:
        """Open the document anew, with another text."""
        item = {"uri": URI, "languageId": "python", "version": self._version, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def insert(self, line: int, character: int, text: str) -> None:
        """Type at a place."""
        self._version += 1
        at = {"line": line, "character": character}
        changes = [{"range": {"start": at, "end": at}, "text": text}]
        document = {"uri": URI, "version": self._version}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": changes})

    def settle(self) -> None:
        """Return when everything sent before has been dealt with."""
        self.request("dgemma/status", {})

    def complete(self, line: int, character: int) -> list[str]:
        """The texts suggested at a place."""
        params = {
            "textDocument": {"uri": URI},
            "position": {"line": line, "character": character},
            "context": {"triggerKind": 2},
        }
        answer = self.request("textDocument/inlineCompletion", params)
        return [item["insertText"] for item in answer["result"]["items"]]

    def rewrite(self, first: int, past: int, instruction: str) -> list[float]:
        """When each draft of some lines' rewrite came, milliseconds after the request was sent."""
        params = {
            "textDocument": {"uri": URI, "version": self._version},
            "range": {"start": {"line": first, "character": 0}, "end": {"line": past, "character": 0}},
            "instruction": instruction,
            "partialResultToken": FRAMES,
        }
        frames: list[float] = []
        started = time.perf_counter()

        def take(message: dict[str, Any]) -> None:
            if message["method"] == "$/progress" and message["params"]["token"] == FRAMES:
                frames.append(1_000 * (time.perf_counter() - started))

        answer = self.request("dgemma/rewrite", params, take)
        if "result" not in answer:
            raise RuntimeError(f"no rewrite: {answer['error']['message']}")
        return frames

    def leave(self) -> None:
        """Shut the server down."""
        self.request("shutdown", None)
        self.notify("exit", None)

    def notify(self, method: str, params: object) -> None:
        """Send a notification."""
        self._send({"method": method} | ({} if params is None else {"params": params}))

    def request(
        self, method: str, params: object, take: Callable[[dict[str, Any]], None] | None = None
    ) -> dict[str, Any]:
        """The answer to a request, with its `result` or `error`. take: is handed what else arrives."""
        self._requests += 1
        self._send({"id": self._requests, "method": method} | ({} if params is None else {"params": params}))
        while True:
            message = json.loads(next(self._bodies))
            if message.get("id") == self._requests and "method" not in message:
                return message
            if take is not None and "method" in message:
                take(message)

    def _send(self, message: dict[str, object]) -> None:
        body = json.dumps({"jsonrpc": "2.0"} | message).encode()
        self._sink.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._sink.flush()
