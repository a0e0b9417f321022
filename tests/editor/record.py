"""What an editor and its language server have said to each other."""

import json
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.editor.editors import REPOSITORY
from tests.editor.scripted_server import Edits, Rewrites, Script
from tests.editor.waiting import wait_for
from tests.editor.wire import Message

SUGGEST = "textDocument/inlineCompletion"


class Record:
    """A language server's command line with a recorder before it, and what that has recorded."""

    def __init__(self, path: Path, server: Sequence[str]) -> None:
        self._path = path
        self._server = server
        recorder = ("-m", "tests.editor.recorder", str(path))
        self.command = ("env", f"PYTHONPATH={REPOSITORY}", sys.executable, *recorder, *server)

    def program(self, folder: Path) -> Path:
        """The command line as a program named `dgemma-lsp` in a folder; what is no conversation is not recorded."""
        program = folder / "dgemma-lsp"
        server, recorded = shlex.join(("env", f"PYTHONPATH={REPOSITORY}", *self._server)), shlex.join(self.command)
        program.write_text(f'#!/bin/sh\n[ "$1" = --stdio ] || exec {server} "$@"\nexec {recorded} "$@"\n')
        program.chmod(0o755)
        return program

    def _messages(self, sender: str) -> Iterator[Message]:
        lines = self._path.read_text().splitlines() if self._path.exists() else []
        for line in map(json.loads, lines):
            if line["from"] == sender:
                yield line["message"]

    def sent(self, method: str) -> list[Any]:
        """The parameters of all messages of this method that the editor has sent."""
        return [message.get("params") for message in self._messages("editor") if message.get("method") == method]

    def told(self, method: str) -> list[Any]:
        """The parameters of all messages of this method that the server has sent."""
        return [message.get("params") for message in self._messages("server") if message.get("method") == method]

    def results(self, method: str) -> list[Any]:
        """What the editor's requests of this method were answered with, as far as they were."""
        requests = {message.get("id") for message in self._messages("editor") if message.get("method") == method}
        answers = (message for message in self._messages("server") if "method" not in message)
        return [message["result"] for message in answers if message.get("id") in requests and "result" in message]

    def kinds(self) -> list[int]:
        """Of each request for suggestions: 1 where the user asked for it, 2 where it came by itself."""
        return [parameters["context"]["triggerKind"] for parameters in self.sent(SUGGEST)]

    def asked_at(self) -> tuple[int, int] | None:
        """Where the last suggestion was asked for: line and character."""
        places = [parameters["position"] for parameters in self.sent(SUGGEST)]
        return (places[-1]["line"], places[-1]["character"]) if places else None

    def suggested(self) -> list[str] | None:
        """The answer to the last request for a suggestion; None while there is none yet."""
        requests = [message["id"] for message in self._messages("editor") if message.get("method") == SUGGEST]
        for message in self._messages("server"):
            if requests and message.get("id") == requests[-1] and "result" in message:
                return [item["insertText"] for item in message["result"]["items"]]
        return None

    def wait_for_answer(self, place: tuple[int, int], shown: Callable[[], str]) -> list[str]:
        """Waits until what was asked for last was asked for here and is answered. Returns the suggestions."""
        wait_for(lambda: self.asked_at() == place and self.suggested() is not None, f"the answer for {place}", shown)
        return self.suggested() or []


def scripted(
    folder: Path,
    inline: Script,
    rewrites: Rewrites | None = None,
    edits: Edits | None = None,
    late: Sequence[str] = (),
    failure: str = "",
    loading: Sequence[str] = (),
) -> Record:
    """The scripted server with these scripts."""
    file = folder / "script.json"
    scripts = {"inline": inline, "rewrites": rewrites or {}, "edits": edits or {}}
    script = {**scripts, "late": late, "failure": failure, "loading": loading}
    file.write_text(json.dumps(script))
    return Record(folder / "record", [sys.executable, "-m", "tests.editor.scripted_server", str(file)])
