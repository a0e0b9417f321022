"""A language server whose every answer is known beforehand: `python -m tests.editor.scripted_server SCRIPT`.

SCRIPT is a JSON object of three:

inline: the text to the left of the cursor, or the end of it, to the suggestion to make there; or to several, which are
all for a user who asks, and the first of them, or none if it is "", for one who types; or to null where the answer is
to be held back until the next request is there, and the one that is held back gets error -32800; or to a `Fault`. Where
several endings apply, the longest does; where none does, there is no suggestion.

rewrites: an instruction to its answer (`Rewriting`), to several for the seeds from 0 on, to null where the answer and
its last draft are held back, or to a `Fault`.

edits: what a text has become to what it was. Where the first stands in a document, the second, here or in another
document, is offered to be changed likewise, in the order of the documents, unless the user has rejected that.

late: of these, what is answered only when the document changes again.

failure: why there is no engine, if there is none.

loading: of the first object's endings, what is given up the first time, as the model is being loaded.
"""

import difflib
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO, NotRequired, TypedDict, cast

from tests.editor.wire import Message, read, write

Edits = Mapping[str, str]


class Fault(TypedDict):
    """What the server raises in place of an answer; "" ends it. code: that of an internal error if it is not given."""

    fault: str
    code: NotRequired[int]


class Rewriting(TypedDict):
    """candidates: each as texts of the selection and what becomes of them. rejection: why there are none."""

    candidates: NotRequired[list[dict[str, str]]]
    rejection: NotRequired[str]
    notice: NotRequired[str]


Script = Mapping[str, str | list[str] | Fault | None]
Rewrites = Mapping[str, Rewriting | list[Rewriting] | Fault | None]

INVOKED = 1
NEAR = 2
"""Lines: an edit within them is no jump."""
FRAMES = 3
SUPERSEDED = {"code": -32800, "message": "superseded by a newer request"}
INTERNAL_ERROR = -32603
MODIFIED = {"code": -32801, "message": "the document has changed"}
CAPABILITIES: dict[str, object] = {
    "textDocumentSync": 1,
    "inlineCompletionProvider": {},
    "executeCommandProvider": {"commands": ["dgemma.editAccepted", "dgemma.editRejected"]},
    "positionEncoding": "utf-16",
}
STATUS: dict[str, object] = {
    "state": "ready",
    "message": "scripted",
    "checkpoint": "script",
    "progress": None,
    "lastSilence": None,
    "lastSilenceReason": None,
}
CANCELLED = {**STATUS, "lastSilence": "cancelled", "lastSilenceReason": "cancelled"}
TOO_LONG = {"lastSilence": "took too long", "lastSilenceReason": "took_too_long"}
SILENCE = "nothing in the script"


def left_of(text: str, line: int, character: int) -> str:
    """The document up to a place. character: UTF-16 units."""
    lines = text.split("\n")
    before = lines[line].encode("utf-16-le")[: 2 * character].decode("utf-16-le")
    return "\n".join([*lines[:line], before])


def offset(text: str, place: Message) -> int:
    """How many characters stand before a place."""
    return len(left_of(text, place["line"], place["character"]))


def span(text: str, start: int, end: int) -> Message:
    """The range from one offset to another."""

    def place(at: int) -> Message:
        line = text.rfind("\n", 0, at) + 1
        return {"line": text.count("\n", 0, at), "character": len(text[line:at].encode("utf-16-le")) // 2}

    return {"start": place(start), "end": place(end)}


def tokens(text: str) -> list[str]:
    """A text as words, blanks and single characters."""
    return re.findall(r"\s+|\w+|.", text)


def pieces(text: str, start: int, end: int, new: str) -> list[Message]:
    """What becomes of text[start:end], token by token."""
    before, after = tokens(text[start:end]), tokens(new)
    places = [*accumulate(map(len, before), initial=start)]
    return [
        {"range": span(text, places[i], places[j]), "newText": "".join(after[k:m])}
        for kind, i, j, k, m in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
        if kind != "equal"
    ]


def drafts(text: str) -> Iterator[list[tuple[str, float]]]:
    """What stands where `text` will stand, step by step; entropies fall, and not everywhere at once."""
    pieces = tokens(text)
    for left in reversed(range(FRAMES)):
        yield [(piece, 0.0 if piece.isspace() else left * (0.3 + i % 5 / 3)) for i, piece in enumerate(pieces)]


def ghost_text(text: str, start: int, end: int, new: str, cursor: int) -> Message | None:
    """The edit as inline completion can show it: it only adds to what stands, and nothing before the cursor."""
    old, before = text[start:end], text[start:cursor]
    characters = iter(new)
    shown = start <= cursor <= end and "\n" not in old and new.startswith(before) and all(c in characters for c in old)
    return {"range": span(text, start, end), "insertText": new} if shown else None


class Server:
    """One editor's documents, and the requests that are held back."""

    def __init__(
        self,
        inline: Script,
        rewrites: Rewrites,
        edits: Edits,
        sink: BinaryIO,
        late: Sequence[str] = (),
        failure: str = "",
        loading: Sequence[str] = (),
    ) -> None:
        self._inline = inline
        self._rewrites = rewrites
        self._edits = edits
        self._late_edits = late
        self._loading = set(loading)
        self._sink = sink
        self._texts: dict[str, str] = {}
        self._versions: dict[str, int] = {}
        self._held: int | str | None = None
        self._late: tuple[int | str, Message] | None = None
        self._rewriting: dict[str, int | str] = {}
        self._rejected: set[str] = set()
        self._status = {**STATUS, "state": "failed", "message": failure} if failure else STATUS

    def take(self, message: Message) -> None:
        """Reads a message and answers it."""
        parameters: Message = message.get("params") or {}
        match message.get("method"):
            case "initialize":
                self._answer(message["id"], {"capabilities": CAPABILITIES})
            case "initialized":
                self._send({"method": "dgemma/status", "params": self._status})
            case "textDocument/didOpen":
                self._keep(parameters["textDocument"], parameters["textDocument"]["text"])
            case "textDocument/didChange":
                self._keep(parameters["textDocument"], parameters["contentChanges"][-1]["text"])
            case "textDocument/didClose":
                self._texts.pop(parameters["textDocument"]["uri"], None)
            case "textDocument/inlineCompletion":
                self._suggest(message["id"], parameters)
            case "dgemma/rewrite":
                self._rewrite(message["id"], parameters)
            case "dgemma/inlineEdit":
                self._answer_edit(message["id"], self._edit(parameters))
            case "textDocument/copilotInlineEdit":
                edit = self._edit(parameters).get("edit")
                self._answer(message["id"], {"edits": [{**edit, "text": edit["newText"]}] if edit else []})
            case "workspace/executeCommand":
                if parameters["command"] == "dgemma.editRejected":
                    self._rejected.update(parameters["arguments"])
                self._answer(message["id"], None)
            case "dgemma/status":
                self._answer(message["id"], self._status)
            case "$/cancelRequest":
                self._cancel(parameters["id"])
            case "shutdown":
                self._answer(message["id"], None)
            case _:
                pass

    def _keep(self, document: Message, text: str) -> None:
        self._texts[document["uri"]] = text
        self._versions[document["uri"]] = document["version"]
        if self._late is not None:
            self._answer(*self._late)
            self._late = None

    def _suggest(self, request: int | str, parameters: Message) -> None:
        self._cancel_held()
        place = parameters["position"]
        before = left_of(self._texts[parameters["textDocument"]["uri"]], place["line"], place["character"])
        endings = [ending for ending in self._inline if before.endswith(ending)]
        texts = self._inline[max(endings, key=len)] if endings else []
        if texts is None:
            self._held = request
            return
        if loading := self._loading.intersection(endings):
            self._loading -= loading
            self._send({"method": "dgemma/status", "params": {**STATUS, "state": "loading"}})
            self._answer(request, {"items": []})
            self._send({"method": "dgemma/status", "params": {**STATUS, **TOO_LONG}})
            return
        if isinstance(texts, dict):
            self._fail(request, texts)
            return
        if isinstance(texts, str):
            texts = [texts]
        if parameters["context"]["triggerKind"] != INVOKED:
            texts = texts[:1]
        items = [{"insertText": text, "range": {"start": place, "end": place}} for text in texts if text]
        self._status = {**STATUS, "lastSilence": None if items else SILENCE}
        self._send({"method": "dgemma/status", "params": self._status})
        self._answer(request, {"items": items})

    def _rewrite(self, request: int | str, parameters: Message) -> None:
        document = parameters["textDocument"]
        uri, asked = document["uri"], parameters["range"]
        text = self._texts[uri]
        if uri in self._rewriting:
            self._cancel(self._rewriting[uri])
        if document["version"] != self._versions[uri]:
            self._send({"id": request, "error": MODIFIED})
            return
        start, end = offset(text, asked["start"]), offset(text, asked["end"])
        scripted = self._rewrites.get(parameters["instruction"], Rewriting(rejection=SILENCE))
        if isinstance(scripted, dict) and "fault" in scripted:
            self._fail(request, scripted)
            return
        answer = cast(Rewriting | None, scripted[parameters["seed"]] if isinstance(scripted, list) else scripted)
        candidates = answer.get("candidates", []) if answer else []
        selected = text[start:end]
        for old, new in candidates[0].items() if candidates else ():
            selected = selected.replace(old, new, 1)
        frames = list(drafts(selected)) if "partialResultToken" in parameters else []
        for frame in frames if answer else frames[:-1]:
            progress = {"token": parameters["partialResultToken"], "value": frame}
            self._send({"method": "$/progress", "params": progress})
        if answer is None:
            self._rewriting[uri] = request
            return

        def hunk(old: str, new: str) -> Message:
            at = text.index(old, start)
            return {"range": span(text, at, at + len(old)), "newText": new}

        result: Message = {
            "textDocument": document,
            "candidates": [{"hunks": [hunk(*pair) for pair in candidate.items()]} for candidate in candidates],
            "stats": {"notice": answer["notice"]} if "notice" in answer else {},
        }
        if "rejection" in answer:
            result["rejection"] = {"reason": "empty", "message": answer["rejection"]}
        self._answer(request, result)

    def _answer_edit(self, request: int | str, answer: Message) -> None:
        if answer.get("edit", {}).get("newText") in self._late_edits:
            self._late = request, answer
        else:
            self._answer(request, answer)

    def _edit(self, parameters: Message) -> Message:
        here, position = parameters["textDocument"], parameters["position"]
        answer: Message = {"textDocument": here, "stats": {}}
        if here["version"] != self._versions[here["uri"]]:
            return {**answer, "rejection": {"reason": "other_version", "message": MODIFIED["message"]}}
        for new, old in self._edits.items():
            for uri in [here["uri"], *(uri for uri in self._texts if uri != here["uri"])]:
                for number, found in enumerate(re.finditer(re.escape(old), self._texts[uri])):
                    edit_id = f"{uri}#{old}#{number}"
                    if new in self._texts[here["uri"]] and edit_id not in self._rejected:
                        cursor = offset(self._texts[uri], position) if uri == here["uri"] else -1
                        return {**answer, "edit": self._offer(edit_id, uri, found.span(), new, cursor, position)}
        return {**answer, "rejection": {"reason": "empty", "message": SILENCE}}

    def _offer(
        self, edit_id: str, uri: str, place: tuple[int, int], new: str, cursor: int, position: Message
    ) -> Message:
        """An edit on the wire. cursor: its offset, negative where it is in another document."""
        text, (start, end) = self._texts[uri], place
        at = span(text, start, end)
        edit: Message = {
            "id": edit_id,
            "textDocument": {"uri": uri, "version": self._versions[uri]},
            "range": at,
            "newText": new,
            "hunks": pieces(text, start, end, new),
            "position": at["start"],
            "jump": cursor < 0 or abs(at["start"]["line"] - position["line"]) > NEAR,
            "command": {"title": "accepted", "command": "dgemma.editAccepted", "arguments": [edit_id]},
        }
        if ghost := ghost_text(text, start, end, new, cursor):
            edit["ghostText"] = ghost
        return edit

    def _cancel(self, request: int | str) -> None:
        """Cancels a request if it is held back."""
        if request == self._held:
            self._cancel_held()
        if self._late is not None and request == self._late[0]:
            self._late = None
            self._send({"id": request, "error": SUPERSEDED})
        for uri, held in list(self._rewriting.items()):
            if held == request:
                del self._rewriting[uri]
                self._send({"id": request, "error": SUPERSEDED})

    def _cancel_held(self) -> None:
        if self._held is not None:
            self._send({"method": "dgemma/status", "params": CANCELLED})
            self._send({"id": self._held, "error": SUPERSEDED})
            self._held = None

    def _fail(self, request: int | str, fault: Fault) -> None:
        if not fault["fault"]:
            sys.exit(1)
        error = {"code": fault.get("code", INTERNAL_ERROR), "message": fault["fault"]}
        self._send({"id": request, "error": error})

    def _answer(self, request: int | str, result: object) -> None:
        self._send({"id": request, "result": result})

    def _send(self, message: Message) -> None:
        write(self._sink, {"jsonrpc": "2.0", **message})


def main(script: Path) -> None:
    """Serves an editor until it says `exit` or goes away."""
    server = Server(**json.loads(script.read_text()), sink=sys.stdout.buffer)
    while (message := read(sys.stdin.buffer)) and message.get("method") != "exit":
        server.take(message)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
