"""A real front end, `dgemma-lsp --stdio`, and the editor that drives it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

Json = dict[str, Any]

URI = "file:///project/zebra.py"
TIMEOUT_S = 240.0
"""Loading the model on a busy machine included."""


class FrontEnd:
    """One process with one open document. `log` is what it has told the editor's log, `levels` the levels of that (1 an
    error, 2 a warning, 3 news), `stderr` what it has not told; `progress` are the partial results."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self.pid = process.pid
        self.log: list[str] = []
        self.progress: list[Json] = []
        self.levels: set[int] = set()
        self.stderr = bytearray()
        self._stdin, self._stdout, self._stderr = process.stdin, process.stdout, process.stderr
        self._answers: dict[int, asyncio.Future[Json]] = {}
        self._version = 1
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._read_stderr())]

    def notify(self, method: str, params: object) -> None:
        self._send({"method": method, "params": params})

    def ask(self, method: str, params: object) -> asyncio.Future[Json]:
        """Send a request; the future is its answer, with `result` or `error`."""
        number = len(self._answers) + 1
        self._answers[number] = asyncio.get_running_loop().create_future()
        self._send({"id": number, "method": method, "params": params})
        return self._answers[number]

    async def open(self, text: str, settings: Json | None = None) -> None:
        """Initialize, and open the document. settings: the editor's."""
        options = {"processId": None, "capabilities": {}, "initializationOptions": settings}
        await self.ask("initialize", options)
        self.notify("initialized", {})
        item = {"uri": URI, "languageId": "python", "version": self._version, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def insert(self, line: int, character: int, text: str, *, over: int = 0) -> None:
        """Put a text there, in place of so many characters."""
        self._version += 1
        start, end = ({"line": line, "character": character + more} for more in (0, over))
        change = {"range": {"start": start, "end": end}, "text": text}
        document = {"uri": URI, "version": self._version}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})

    def complete(self, line: int, character: int, *, invoked: bool = True) -> asyncio.Future[Json]:
        params = {
            "textDocument": {"uri": URI},
            "position": {"line": line, "character": character},
            "context": {"triggerKind": 1 if invoked else 2},
        }
        return self.ask("textDocument/inlineCompletion", params)

    def rewrite(self, first: int, past: int, **params: object) -> asyncio.Future[Json]:
        """Rewrite some lines."""
        span = {"start": {"line": first, "character": 0}, "end": {"line": past, "character": 0}}
        document = {"uri": URI, "version": self._version}
        return self.ask("dgemma/rewrite", {"textDocument": document, "range": span, "instruction": "do it", **params})

    def cancel_last(self) -> None:
        """Cancel the last request, answered or not."""
        self.notify("$/cancelRequest", {"id": len(self._answers)})

    async def leave(self) -> None:
        await self.ask("shutdown", None)
        self.notify("exit", None)
        await asyncio.gather(*self._tasks)

    def _send(self, message: Json) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    async def _read(self) -> None:
        length = 0
        while header := await self._stdout.readline():
            name, _, value = header.partition(b":")
            if name == b"Content-Length":
                length = int(value)
            elif not name.strip():
                message: Json = json.loads(await self._stdout.readexactly(length))
                if "method" not in message:
                    self._answers[message["id"]].set_result(message)
                elif message["method"] == "$/progress":
                    self.progress.append(message["params"])
                elif message["method"] == "window/logMessage":
                    self.log.append(message["params"]["message"])
                    self.levels.add(message["params"]["type"])

    async def _read_stderr(self) -> None:
        while data := await self._stderr.read(4096):
            self.stderr += data


@asynccontextmanager
async def front_end(
    text: str, *options: str, module: str = "dgemma_lsp", settings: Json | None = None
) -> AsyncGenerator[FrontEnd]:
    """A front end with a document open, which leaves properly at the end. module: what is run."""
    command = [sys.executable, "-m", module, "--stdio", *(options or ("--checkpoint", "nano"))]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe)
    try:
        async with asyncio.timeout(TIMEOUT_S):
            editor = FrontEnd(process)
            await editor.open(text, settings)
            yield editor
            await editor.leave()
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
