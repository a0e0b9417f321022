"""A client that speaks plain JSON to a server in the same event loop, so that a test sees exactly what is sent."""

from __future__ import annotations

import asyncio
import io
import json
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from typing_extensions import Buffer

from dgemma_lsp.lsp.framing import read_bodies
from dgemma_lsp.lsp.handshake import Greeting
from dgemma_lsp.lsp.settings import Settings
from dgemma_lsp.server import Server
from dgemma_lsp.wire.identity import EngineOptions
from tests.protocol.scripted import Script, ScriptedEngine

Json = dict[str, Any]

TIMEOUT_S = 20.0
"""Only a test that would fail anyway waits so long."""


class Sink(io.RawIOBase):
    """The server's output, one message after another. The server writes each with one call."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[Json] = asyncio.Queue()

    def writable(self) -> bool:
        return True

    def write(self, data: Buffer) -> int:
        body = bytes(data).split(b"\r\n\r\n", 1)[1]
        self.messages.put_nowait(json.loads(body))
        return len(bytes(data))


class WireClient:
    """One connection. `engines` are those that the server has made, oldest first; `notifications` what it has said
    unasked, and `asked` what it has asked; `settings` is the answer to that, unless `answer_settings` is."""

    def __init__(self, script: Script, greeting: Greeting | None) -> None:
        self.script = script
        self._greeting = greeting
        self.engines: list[ScriptedEngine] = []
        self.settings: object = None
        self.answer_settings: Json | None = None
        self.notifications: list[Json] = []
        self.asked: list[Json] = []
        self.strays: list[Json] = []
        self._sink = Sink()
        self._input, self._output = os.pipe()
        self._answers: dict[int, asyncio.Future[Json]] = {}
        self._arrived = asyncio.Condition()

    @property
    def engine(self) -> ScriptedEngine:
        return self.engines[-1]

    def connect(self, options: EngineOptions) -> ScriptedEngine:
        self.engines.append(ScriptedEngine(self.script, options))
        return self.engines[-1]

    def send_raw(self, body: bytes) -> None:
        os.write(self._output, b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def send(self, message: Json) -> None:
        self.send_raw(json.dumps({"jsonrpc": "2.0", **message}).encode())

    def notify(self, method: str, params: Mapping[str, Any] | None = None) -> None:
        self.send({"method": method, "params": dict(params or {})})

    def ask(self, method: str, params: object = None) -> asyncio.Future[Json]:
        """Send a request; the future is its answer, with `result` or `error`."""
        number = len(self._answers) + 1
        self._answers[number] = asyncio.get_running_loop().create_future()
        self.send({"id": number, "method": method, **({} if params is None else {"params": params})})
        return self._answers[number]

    async def request(self, method: str, params: object = None) -> Json:
        return await asyncio.wait_for(self.ask(method, params), TIMEOUT_S)

    async def seen(self, method: str, count: int = 1) -> Json:
        """The `count`th notification of this method, waited for."""

        def found() -> list[Json]:
            return [message["params"] for message in self.notifications if message["method"] == method]

        async with asyncio.timeout(TIMEOUT_S), self._arrived:
            await self._arrived.wait_for(lambda: len(found()) >= count)
        return found()[count - 1]

    async def stray(self) -> Json:
        """The first answer that belongs to no request."""
        async with asyncio.timeout(TIMEOUT_S), self._arrived:
            await self._arrived.wait_for(lambda: self.strays)
        return self.strays[0]

    async def initialize(self, capabilities: Json | None = None, **params: object) -> Json:
        """Initialize as a client that follows the status, unless `capabilities` have experimental ones."""
        capabilities = {"experimental": {"dgemma": {"statusNotifications": True}}} | (capabilities or {})
        answer = await self.request("initialize", {"processId": None, "capabilities": capabilities, **params})
        self.notify("initialized")
        return answer["result"]

    def open(self, text: str, uri: str = "file:///w/a.py", language: str = "python") -> None:
        """Open a document, or open it again."""
        item = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def insert(self, line: int, character: int, text: str, *, version: int, uri: str = "file:///w/a.py") -> None:
        at = {"line": line, "character": character}
        self.change({"range": {"start": at, "end": at}, "text": text}, uri=uri, version=version)

    def change(self, *changes: object, uri: str = "file:///w/a.py", **identifier: object) -> None:
        self.notify("textDocument/didChange", {"textDocument": {"uri": uri, **identifier}, "contentChanges": changes})

    async def silence(self) -> str | None:
        """The code of the reason for the last silence."""
        return (await self.request("dgemma/status"))["result"]["lastSilenceReason"]

    def complete(
        self, line: int, character: int, *, invoked: bool = False, uri: str = "file:///w/a.py", **context: object
    ) -> asyncio.Future[Json]:
        params = {
            "textDocument": {"uri": uri},
            "position": {"line": line, "character": character},
            "context": {"triggerKind": 1 if invoked else 2, **context},
        }
        return self.ask("textDocument/inlineCompletion", params)

    async def serve(self) -> Server:
        """Run the server until the input ends."""
        server = Server(self.connect, Settings())
        reading = asyncio.create_task(self._read())
        try:
            with os.fdopen(self._input, "rb") as source:
                await server.run(read_bodies(source), self._sink, self._greeting)  # pyright: ignore[reportArgumentType] - it only writes
        finally:
            reading.cancel()
        return server

    def hang_up(self) -> None:
        os.close(self._output)

    async def _read(self) -> None:
        while True:
            message = await self._sink.messages.get()
            if "method" not in message:
                future = self._answers.get(message["id"])
                if future is None:
                    self.strays.append(message)
                elif not future.cancelled():
                    future.set_result(message)
            elif "id" in message:
                self.asked.append(message)
                known = message["method"] == "workspace/configuration"
                told = self.answer_settings or {"result": [self.settings]}
                self.send({"id": message["id"], **(told if known else {"result": None})})
            else:
                self.notifications.append(message)
            async with self._arrived:
                self._arrived.notify_all()


@asynccontextmanager
async def connected(script: Script, greeting: Greeting | None = None) -> AsyncGenerator[WireClient]:
    """A client whose server runs; it has not been initialized, unless by a greeting."""
    client = WireClient(script, greeting)
    serving = asyncio.create_task(client.serve())
    # The reading thread has to be there before a message that is larger than a pipe holds.
    await asyncio.sleep(0)
    try:
        yield client
    finally:
        client.hang_up()
        await asyncio.wait_for(serving, TIMEOUT_S)
