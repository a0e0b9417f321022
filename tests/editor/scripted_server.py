"""A language server whose every answer is known beforehand: `python -m tests.editor.scripted_server SCRIPT`.

SCRIPT is a JSON object: the text to the left of the cursor, or the end of it, to the suggestion to make there; or to
several, which are all for a user who asks, and the first of them, or none if it is "", for one who types; or to null
where the answer is to be held back until the next request is there, and the one that is held back gets error -32800.
Where several endings apply, the longest does; where none does, there is no suggestion.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from tests.editor.wire import Message, read, write

Script = Mapping[str, str | list[str] | None]

INVOKED = 1
SUPERSEDED = {"code": -32800, "message": "superseded by a newer request"}
CAPABILITIES: dict[str, object] = {"textDocumentSync": 1, "inlineCompletionProvider": {}, "positionEncoding": "utf-16"}
STATUS: dict[str, object] = {
    "state": "ready",
    "message": "scripted",
    "checkpoint": "script",
    "progress": None,
    "lastSilence": None,
}
CANCELLED = {**STATUS, "lastSilence": "cancelled", "lastSilenceReason": "cancelled"}
SILENCE = "nothing in the script"


def left_of(text: str, line: int, character: int) -> str:
    """The document up to a place. character: UTF-16 units."""
    lines = text.split("\n")
    before = lines[line].encode("utf-16-le")[: 2 * character].decode("utf-16-le")
    return "\n".join([*lines[:line], before])


class Server:
    """One editor's documents, and the request that is held back."""

    def __init__(self, script: Script, sink: BinaryIO) -> None:
        self._script = script
        self._sink = sink
        self._texts: dict[str, str] = {}
        self._held: int | str | None = None
        self._status = STATUS

    def take(self, message: Message) -> None:
        """Reads a message and answers it."""
        parameters: Message = message.get("params") or {}
        match message.get("method"):
            case "initialize":
                self._answer(message["id"], {"capabilities": CAPABILITIES})
            case "initialized":
                self._send({"method": "dgemma/status", "params": STATUS})
            case "textDocument/didOpen":
                self._texts[parameters["textDocument"]["uri"]] = parameters["textDocument"]["text"]
            case "textDocument/didChange":
                self._texts[parameters["textDocument"]["uri"]] = parameters["contentChanges"][-1]["text"]
            case "textDocument/inlineCompletion":
                self._suggest(message["id"], parameters)
            case "dgemma/status":
                self._answer(message["id"], self._status)
            case "$/cancelRequest":
                if parameters["id"] == self._held:
                    self._cancel_held()
            case "shutdown":
                self._answer(message["id"], None)
            case _:
                pass

    def _suggest(self, request: int | str, parameters: Message) -> None:
        self._cancel_held()
        place = parameters["position"]
        before = left_of(self._texts[parameters["textDocument"]["uri"]], place["line"], place["character"])
        endings = [ending for ending in self._script if before.endswith(ending)]
        texts = self._script[max(endings, key=len)] if endings else []
        if texts is None:
            self._held = request
            return
        if isinstance(texts, str):
            texts = [texts]
        if parameters["context"]["triggerKind"] != INVOKED:
            texts = texts[:1]
        items = [{"insertText": text, "range": {"start": place, "end": place}} for text in texts if text]
        self._status = {**STATUS, "lastSilence": None if items else SILENCE}
        self._send({"method": "dgemma/status", "params": self._status})
        self._answer(request, {"items": items})

    def _cancel_held(self) -> None:
        if self._held is not None:
            self._send({"method": "dgemma/status", "params": CANCELLED})
            self._send({"id": self._held, "error": SUPERSEDED})
            self._held = None

    def _answer(self, request: int | str, result: object) -> None:
        self._send({"id": request, "result": result})

    def _send(self, message: Message) -> None:
        write(self._sink, {"jsonrpc": "2.0", **message})


def main(script: Path) -> None:
    """Serves an editor until it says `exit` or goes away."""
    server = Server(json.loads(script.read_text()), sys.stdout.buffer)
    while (message := read(sys.stdin.buffer)) and message.get("method") != "exit":
        server.take(message)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
