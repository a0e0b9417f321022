"""The language server: what it keeps of one client, and its life. `handlers` connect the protocol to it.

Nothing heavy is imported here, and the engine starts only after `initialized`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

from lsprotocol import types
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInternalError,
    JsonRpcMethodNotFound,
    JsonRpcRequestCancelled,
    PyglsError,
)
from pygls.lsp.server import LanguageServer

from dgemma_lsp.client.client import EngineClient
from dgemma_lsp.client.session import Session
from dgemma_lsp.config import SECTION
from dgemma_lsp.documents.store import Documents
from dgemma_lsp.documents.window import prompt_path
from dgemma_lsp.edits.suggester import EditSuggester
from dgemma_lsp.features.newest import NewestRequests
from dgemma_lsp.features.suggester import InlineSuggester
from dgemma_lsp.handlers import register
from dgemma_lsp.logs import log_to_client, report_in_loop, set_level, silence_pygls
from dgemma_lsp.lsp import parent
from dgemma_lsp.lsp.framing import InputError
from dgemma_lsp.lsp.handshake import NAME, Greeting
from dgemma_lsp.lsp.progress import LoadingProgress
from dgemma_lsp.lsp.rpc import STATUS, Protocol
from dgemma_lsp.lsp.settings import Settings, SettingsLayer
from dgemma_lsp.lsp.stdio import Output, receive
from dgemma_lsp.lsp.structure import make_converter
from dgemma_lsp.status import StatusBoard
from dgemma_lsp.wire.codec import encode
from dgemma_lsp.wire.identity import EngineOptions, version
from dgemma_lsp.wire.status import Status

logger = logging.getLogger(__name__)

CONFIGURATION_TIMEOUT_S = 5.0

NOTEBOOKS = types.NotebookDocumentSyncOptions(
    notebook_selector=[types.NotebookDocumentFilterWithNotebook(notebook="*")]
)


class Server(LanguageServer):
    """The state of one front end. `connect` makes a client of the engine that the settings name; `problems` are what of
    them cannot be used, for the user to hear of once there is an editor."""

    protocol: Protocol  # pyright: ignore[reportIncompatibleVariableOverride] - pygls sets it once, to `protocol_cls`

    def __init__(
        self, connect: Callable[[EngineOptions], EngineClient], settings: Settings, problems: tuple[str, ...] = ()
    ) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType] - it passes untyped arguments on
            NAME,
            version(),
            notebook_document_sync=NOTEBOOKS,
            protocol_cls=Protocol,
            converter_factory=make_converter,
        )
        self.settings = settings
        self.problems = problems
        self.documents = Documents(self._document_changed, self._given_up)
        self.protocol.lost = self.documents.give_up
        self.newest = NewestRequests()
        self.board = StatusBoard(self._publish)
        self.session = Session(connect, self.board)
        self.inline = InlineSuggester(self.session)
        self.edits = EditSuggester(self.session)
        self.tells_status = False
        self.noticed = {""}
        """What the user has been told of checkpoints, and what need not be told."""
        self._progress = LoadingProgress(self)
        self._life: asyncio.Timeout | None = None
        self._parent: asyncio.Task[None] | None = None
        register(self)

    @property
    def folders(self) -> list[str]:
        """The URIs of the workspace's folders."""
        return [folder.uri for folder in self.workspace.folders.values()]

    async def run(self, bodies: Iterator[bytes], sink: BinaryIO, greeting: Greeting | None = None) -> None:
        """Serve one client until it sends `exit` or its messages end. bodies: of its messages. greeting: the message
        that was taken from them already, if one was.

        Raises:
            InputError: no more can be read of them, or the client's process has ended.
            SystemExit: the client sent `exit`; the code is 0 if it asked for `shutdown` before.
        """
        silence_pygls()
        asyncio.get_running_loop().set_exception_handler(report_in_loop)
        self.protocol.set_writer(Output(sink))
        with log_to_client(self.window_log_message):
            try:
                async with asyncio.timeout(None) as self._life:
                    await self._serve(bodies, greeting)
            except TimeoutError:
                raise InputError("the editor's process has ended") from None
            finally:
                if self._parent is not None:
                    self._parent.cancel()
                await self.session.close()

    async def _serve(self, bodies: Iterator[bytes], greeting: Greeting | None) -> None:
        if greeting is not None:
            self.protocol.answered = greeting.request_id
            self.protocol.receive(greeting.body)
        async for body in receive(bodies):
            self.protocol.receive(body)
            # A request sees the documents as they are before the next message: its handler, a task, takes what it needs
            # of them in its first step, which comes now.
            await asyncio.sleep(0)

    def end_with(self, process: int) -> None:
        """Serve no longer than this process lives."""
        self._parent = asyncio.create_task(self._outlive(process))

    async def _outlive(self, process: int) -> None:
        await parent.ended(process)
        if self._life is not None:
            self._life.reschedule(asyncio.get_running_loop().time())

    async def configure(self, layer: SettingsLayer, value: object) -> None:
        """Take over settings, tell which of them cannot be used, and change engines if they ask for another."""
        self.report(self.settings.update(layer, value))
        config = self.settings.config
        set_level(config.log_level)
        self.inline.offers.forget()
        self.edits.answers.clear()
        await self.session.use(config.engine)

    def report(self, problems: tuple[str, ...]) -> None:
        """Tell the user which settings are not used."""
        if problems:
            message = f"settings: {'; '.join(problems)}"
            logger.warning(message)
            self.tell(message, types.MessageType.Warning)

    async def pull_settings(self) -> object:
        """Ask the editor for its settings; None where it has none. Where it does not say, they are what they were: a
        document that is excluded must not be read because an editor is slow."""
        items = [types.ConfigurationItem(section=SECTION)]
        request = self.workspace_configuration_async(types.ConfigurationParams(items))
        try:
            [settings] = await asyncio.wait_for(request, CONFIGURATION_TIMEOUT_S)
        except (TimeoutError, JsonRpcException, ValueError, TypeError) as error:
            logger.warning("the editor does not tell its settings (%s)", type(error).__name__)
            return self.settings.layer("editor")
        return settings

    def report_server_error(self, error: Exception, source: type[PyglsError] | type[JsonRpcException]) -> None:
        """Log what went wrong underneath; open no window, and quote no exception, which may hold source text."""
        if isinstance(error, JsonRpcInternalError):
            trace = cast(dict[str, list[str]], error.data)["traceback"]
            logger.error("%s: %s\n%s", source.__name__, error.message.partition(":")[0], "".join(trace))
        elif not isinstance(error, JsonRpcException):
            logger.error("%s: %s", source.__name__, type(error).__name__)
        elif isinstance(error, JsonRpcMethodNotFound):
            # Many editors ask without a look at what is offered, which is nothing that their users could mend.
            logger.debug("refused a request: %s", error.message)
        elif not isinstance(error, JsonRpcRequestCancelled):
            logger.warning("refused a request: %s", error.message)

    def tell(self, message: str, kind: types.MessageType = types.MessageType.Info) -> None:
        """Show the user a message."""
        self.window_show_message(types.ShowMessageParams(kind, f"{NAME}: {message}"))

    def _document_changed(self, uri: str) -> None:
        # What is being answered for the text before the change is stale.
        self.newest.cancel(uri)
        document = self.documents.get(uri)
        if document is None:
            self.inline.offers.forget(uri)
            self.edits.forget(uri)
        else:
            self.inline.offers.drop_accepted(uri, document.lines)

    def _given_up(self, uris: list[str]) -> None:
        problem = "could not be read; no suggestions there until it is closed and opened again"
        logger.warning("a change %s (documents: %d)", problem, len(uris))
        names = ", ".join(prompt_path(uri, ()) or uri for uri in uris[:3]) + (", …" if uris[3:] else "")
        self.tell(f"a change of {names} {problem}", types.MessageType.Warning)

    def _publish(self, status: Status) -> None:
        if self.tells_status:
            self.protocol.notify(STATUS, encode(status))
        window = self.client_capabilities.window
        if window is not None and window.work_done_progress:
            self._progress.show(status)
