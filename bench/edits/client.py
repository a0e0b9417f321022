"""An editor for measurements of edits: types in documents of a real server and asks what it would change next.

Positions are code points within lines, which the server is asked to count in (utf-32).
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

from bench.editor import Editor
from bench.edits.follow.case import Replacement
from infill.request import Span

ENCODING = "utf-32"
_ROOT = "file:///bench"
_LOADING_S = 0.2
"""Between looks at whether the model has been loaded."""
_LOADING = ("starting", "loading")


@dataclass(slots=True, kw_only=True)
class Document:
    """One that is open, and its text as it is now."""

    uri: str
    text: str
    version: int = 1

    def position(self, offset: int) -> dict[str, int]:
        """A place as the protocol says it."""
        line_start = self.text.rfind("\n", 0, offset) + 1
        return {"line": self.text.count("\n", 0, offset), "character": offset - line_start}

    def range(self, span: Span) -> dict[str, dict[str, int]]:
        """A span as the protocol says it."""
        return {"start": self.position(span.start), "end": self.position(span.end)}

    def span(self, place: dict[str, dict[str, int]]) -> Span:
        """A span that the protocol says."""
        return Span(start=self._offset(place["start"]), end=self._offset(place["end"]))

    def _offset(self, position: dict[str, int]) -> int:
        lines = self.text.split("\n")
        above = lines[: position["line"]]
        return sum(map(len, above)) + len(above) + position["character"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """An answer. change: None for silence, whose reason is told. id: what acceptance and rejection name. passes: model
    forwards, None where the server does not say. ms: from the request to the answer."""

    change: Replacement | None
    uri: str = ""
    id: str = ""
    reason: str = ""
    passes: int | None = None
    ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """An answer to a rewrite. texts: the document with each candidate in it, best first. reason: why there are none."""

    texts: tuple[str, ...]
    reason: str = ""
    ms: float


@dataclass(slots=True)
class Client:
    """A connection. documents: those that are open, by URI. Each case has a workspace folder of its own, so that
    nothing of one is remembered in another."""

    editor: Editor
    documents: dict[str, Document] = field(default_factory=dict[str, Document], init=False)
    _folder: str | None = field(default=None, init=False)
    _folders: int = field(default=0, init=False)

    def greet(self) -> None:
        """Agree on positions.

        Raises:
            SystemExit: the server counts otherwise.
        """
        capabilities = {
            "general": {"positionEncodings": [ENCODING]},
            "textDocument": {"inlineCompletion": {}},
            "workspace": {"workspaceFolders": True},
        }
        told = self.editor.initialize(capabilities, workspaceFolders=[])
        if told.get("positionEncoding") != ENCODING:
            raise SystemExit(f"the server counts positions in {told.get('positionEncoding')}, not in {ENCODING}")
        self.editor.notify("initialized", {})

    def wait_until_ready(self) -> None:
        """Return when the model is there.

        Raises:
            SystemExit: it will not be.
        """
        while (status := self.editor.request("dgemma/status", {})["result"])["state"] in _LOADING:
            time.sleep(_LOADING_S)
        if status["state"] != "ready":
            raise SystemExit(f"the engine is {status['state']}: {status['message']}")

    def enter(self) -> None:
        """Go to a workspace folder that nothing is known of."""
        left = [] if self._folder is None else [self._named(self._folder)]
        self._folders += 1
        self._folder = f"{_ROOT}/{self._folders}"
        event = {"added": [self._named(self._folder)], "removed": left}
        self.editor.notify("workspace/didChangeWorkspaceFolders", {"event": event})

    def open(self, path: str, language: str, text: str) -> Document:
        """Open a document of the folder."""
        document = Document(uri=f"{self._folder}/{path}", text=text)
        self.documents[document.uri] = document
        item = {"uri": document.uri, "languageId": language, "version": document.version, "text": text}
        self.editor.notify("textDocument/didOpen", {"textDocument": item})
        return document

    def close_all(self) -> None:
        """Close what is open."""
        for uri in self.documents:
            self.editor.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
        self.documents.clear()

    def change(self, document: Document, change: Replacement) -> None:
        """Change a document at once."""
        document.version += 1
        changes = [{"range": document.range(change.span), "text": change.text}]
        identifier = {"uri": document.uri, "version": document.version}
        self.editor.notify("textDocument/didChange", {"textDocument": identifier, "contentChanges": changes})
        document.text = change.applied(document.text)

    def type(self, document: Document, change: Replacement) -> None:
        """Change a document letter by letter: the first takes the place of what was selected; a line's end brings the
        next one's indentation."""
        for stroke in _strokes(change):
            self.change(document, stroke)

    def suggested_edit(self, document: Document, offset: int, *, invoked: bool) -> Offered:
        """Ask for the next edit with the cursor at a place."""
        started = time.perf_counter()
        answer = self._ask("dgemma/inlineEdit", document, offset, invoked=invoked)
        ms = 1000 * (time.perf_counter() - started)
        edit = answer.get("edit")
        passes = answer.get("stats", {}).get("passes")
        if edit is None:
            return Offered(change=None, reason=answer.get("rejection", {}).get("reason", ""), passes=passes, ms=ms)
        uri = edit["textDocument"]["uri"]
        change = Replacement(span=self.documents[uri].span(edit["range"]), text=edit["newText"])
        return Offered(change=change, uri=uri, id=edit["id"], passes=passes, ms=ms)

    def completion(self, document: Document, offset: int, *, invoked: bool) -> Offered:
        """Ask for a completion at a place."""
        started = time.perf_counter()
        items = self._ask("textDocument/inlineCompletion", document, offset, invoked=invoked)["items"]
        ms = 1000 * (time.perf_counter() - started)
        if not items:
            return Offered(change=None, ms=ms)
        at = Span(start=offset, end=offset)
        span = document.span(items[0]["range"]) if "range" in items[0] else at
        return Offered(change=Replacement(span=span, text=items[0]["insertText"]), uri=document.uri, ms=ms)

    def rewritten(self, document: Document, selection: Span, instruction: str) -> Rewritten:
        """Have a selection rewritten; the document stays as it is."""
        params = {
            "textDocument": {"uri": document.uri, "version": document.version},
            "range": document.range(selection),
            "instruction": instruction,
        }
        started = time.perf_counter()
        answer = self._answer("dgemma/rewrite", params)
        ms = 1000 * (time.perf_counter() - started)
        texts = tuple(_applied(document, candidate["hunks"]) for candidate in answer["candidates"])
        return Rewritten(texts=texts, reason=answer.get("rejection", {}).get("reason", ""), ms=ms)

    def tell(self, command: str, edit_id: str) -> None:
        """Say what has become of an edit."""
        self._answer("workspace/executeCommand", {"command": command, "arguments": [edit_id]})

    def _ask(self, method: str, document: Document, offset: int, *, invoked: bool) -> dict[str, Any]:
        params = {
            "textDocument": {"uri": document.uri, "version": document.version},
            "position": document.position(offset),
            "context": {"triggerKind": 1 if invoked else 2},
        }
        return self._answer(method, params)

    def _answer(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        answer = self.editor.request(method, params)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def _named(self, folder: str) -> dict[str, str]:
        return {"uri": folder, "name": folder.rpartition("/")[2]}


@contextmanager
def serving(command: Sequence[str]) -> Generator[Client]:
    """A client of a server that this command starts; ready."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        client = Client(Editor(cast(BinaryIO, process.stdout), cast(BinaryIO, process.stdin)))
        client.greet()
        client.wait_until_ready()
        yield client
        client.editor.leave()


def _applied(document: Document, hunks: Sequence[dict[str, Any]]) -> str:
    """A document's text with hunks in it, which are in order."""
    text = document.text
    for hunk in reversed(hunks):
        text = Replacement(span=document.span(hunk["range"]), text=hunk["newText"]).applied(text)
    return text


def _strokes(change: Replacement) -> list[Replacement]:
    """The changes of a document that typing makes of one."""
    keys: list[str] = []
    for letter in change.text:
        is_indentation = bool(keys) and keys[-1].startswith("\n") and letter in " \t"
        if is_indentation:
            keys[-1] += letter
        else:
            keys.append(letter)
    if not keys:
        return [change]
    strokes = [Replacement(span=change.span, text=keys[0])]
    at = change.span.start + len(keys[0])
    for key in keys[1:]:
        strokes.append(Replacement(span=Span(start=at, end=at), text=key))
        at += len(key)
    return strokes
