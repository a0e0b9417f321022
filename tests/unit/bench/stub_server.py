"""A server over stdio that suggests edits by one rule: the word that was changed is changed where it stands next.

It rewrites to instructions like "a -> b", each word a hunk of its own. Silent where no word was changed. Run as a
program, so that the benchmark talks to it as to the real one.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

from dgemma_lsp.lsp.framing import frame, read_bodies

ENCODING = "utf-32"


class Stub:
    """Documents as they were opened, and as they are."""

    def __init__(self) -> None:
        self.opened: dict[str, str] = {}
        self.texts: dict[str, str] = {}
        self.told: list[str] = []

    def answer(self, method: str, params: Any) -> Any:  # noqa: ANN401 - what a method takes and gives
        match method:
            case "initialize":
                return {"capabilities": {"positionEncoding": ENCODING}}
            case "dgemma/status":
                return {"state": "ready", "message": ""}
            case "dgemma/inlineEdit":
                return self.edit(params["textDocument"])
            case "dgemma/rewrite":
                return self.rewrite(params)
            case "textDocument/inlineCompletion":
                return {"items": [{"insertText": "pass"}]}
            case "workspace/executeCommand":
                self.told.append(params["command"])
                return None
            case _:
                return None

    def follow(self, method: str, params: Any) -> None:  # noqa: ANN401
        if method == "textDocument/didOpen":
            item = params["textDocument"]
            self.opened[item["uri"]] = self.texts[item["uri"]] = item["text"]
        elif method == "textDocument/didChange":
            uri = params["textDocument"]["uri"]
            (change,) = params["contentChanges"]
            lines = self.texts[uri].split("\n")
            start, end = (_offset(lines, change["range"][side]) for side in ("start", "end"))
            self.texts[uri] = self.texts[uri][:start] + change["text"] + self.texts[uri][end:]

    def edit(self, document: dict[str, Any]) -> dict[str, Any]:
        uri = document["uri"]
        words = [re.findall(r"\w+", texts[uri]) for texts in (self.opened, self.texts)]
        old, new = next(((a, b) for a, b in zip(*words, strict=False) if a != b), ("", ""))
        found = re.search(rf"\b{old}\b", self.texts[uri]) if old and len(words[0]) == len(words[1]) else None
        answer: dict[str, Any] = {"textDocument": document, "stats": {"passes": 0}}
        if found is None:
            return answer | {"rejection": {"reason": "nothing", "message": "nothing follows"}}
        start, end = (_position(self.texts[uri], at) for at in found.span())
        edit = {"id": f"{old}-{new}", "textDocument": document, "range": {"start": start, "end": end}, "newText": new}
        return answer | {"edit": edit}

    def rewrite(self, params: dict[str, Any]) -> dict[str, Any]:
        text = self.texts[params["textDocument"]["uri"]]
        start, end = (_offset(text.split("\n"), params["range"][side]) for side in ("start", "end"))
        old, _, new = params["instruction"].partition(" -> ")
        found = [match.span() for match in re.compile(rf"\b{old}\b").finditer(text, start, end)]
        ranges = [{"start": _position(text, start), "end": _position(text, end)} for start, end in found]
        candidates = [{"hunks": [{"range": each, "newText": new} for each in ranges]}] if ranges else []
        return {"textDocument": params["textDocument"], "candidates": candidates, "stats": {}}


def _offset(lines: list[str], position: dict[str, int]) -> int:
    above = lines[: position["line"]]
    return sum(map(len, above)) + len(above) + position["character"]


def _position(text: str, at: int) -> dict[str, int]:
    return {"line": text.count("\n", 0, at), "character": at - text.rfind("\n", 0, at) - 1}


def main() -> None:
    stub = Stub()
    for body in read_bodies(sys.stdin.buffer):
        message = json.loads(body)
        method, params = message["method"], message.get("params")
        if method == "exit":
            return
        if "id" in message:
            answer = {"jsonrpc": "2.0", "id": message["id"], "result": stub.answer(method, params)}
            sys.stdout.buffer.write(frame(json.dumps(answer).encode()))
            sys.stdout.buffer.flush()
        else:
            stub.follow(method, params)


if __name__ == "__main__":
    main()
