"""The language server: what it keeps, and the handlers that connect the protocol to it.

Handlers are thin and run in the event loop's thread; whatever waits is a coroutine that can be cancelled at any point.
Nothing heavy is imported here, and the engine starts only after `initialized`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, TypeVar, cast

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
from dgemma_lsp.documents.exclude import exclusion, text_exclusion
from dgemma_lsp.documents.store import Document, Documents
from dgemma_lsp.documents.window import prompt_path
from dgemma_lsp.features import code_actions
from dgemma_lsp.features.inline import KIND, CompletionSite, ask
from dgemma_lsp.features.menu import OPTIONS, Menu, keeps_indentation, wants_menu
from dgemma_lsp.features.newest import NewestRequests
from dgemma_lsp.features.rewrite import KIND as REWRITE_KIND
from dgemma_lsp.features.rewrite import Rewrite, Rewritten, Show, read, rewritten
from dgemma_lsp.features.suggest import Suggester
from dgemma_lsp.logs import log_to_client, report_in_loop, set_level, silence_pygls
from dgemma_lsp.lsp import parent
from dgemma_lsp.lsp.framing import InputError
from dgemma_lsp.lsp.handshake import NAME, Greeting
from dgemma_lsp.lsp.progress import LoadingProgress
from dgemma_lsp.lsp.rpc import REWRITE, DidChangeParams, InlineCompletionParams, Protocol, RewriteParams
from dgemma_lsp.lsp.settings import Layer, Settings
from dgemma_lsp.lsp.stdio import Output, receive
from dgemma_lsp.lsp.structure import make_converter
from dgemma_lsp.silence import Silence
from dgemma_lsp.status import Status, StatusBoard, wants_status
from dgemma_lsp.wire.identity import EngineOptions, version

logger = logging.getLogger(__name__)

STATUS = "dgemma/status"
CONFIGURATION_TIMEOUT_S = 5.0

_Asked = TypeVar("_Asked", CompletionSite, Rewrite)

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
        self.suggester = Suggester(self.session)
        self.tells_status = False
        self.noticed = {""}
        """What the user has been told of the checkpoint; nothing need not be told."""
        self._progress = LoadingProgress(self)
        self._life: asyncio.Timeout | None = None
        self._parent: asyncio.Task[None] | None = None
        register(self)

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

    async def configure(self, layer: Layer, value: object) -> None:
        """Take over settings, say what of them cannot be used, and change engines if they ask for another."""
        self.report(self.settings.update(layer, value))
        config = self.settings.config
        set_level(config.log_level)
        self.suggester.offers.forget()
        await self.session.use(config.engine)

    def report(self, problems: tuple[str, ...]) -> None:
        """Tell the user which settings are not used."""
        if problems:
            message = f"settings: {'; '.join(problems)}"
            logger.warning(message)
            self.window_show_message(types.ShowMessageParams(types.MessageType.Warning, f"{NAME}: {message}"))

    async def pull_settings(self) -> object:
        """Ask the editor for its settings; None where it has none or does not say."""
        items = [types.ConfigurationItem(section=SECTION)]
        request = self.workspace_configuration_async(types.ConfigurationParams(items))
        try:
            [settings] = await asyncio.wait_for(request, CONFIGURATION_TIMEOUT_S)
        except (TimeoutError, JsonRpcException, ValueError, TypeError) as error:
            logger.warning("the editor does not tell its settings (%s)", type(error).__name__)
            return None
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

    def tell(self, message: str) -> None:
        """Show the user a message."""
        self.window_show_message(types.ShowMessageParams(types.MessageType.Info, f"{NAME}: {message}"))

    def _document_changed(self, uri: str) -> None:
        # What is being answered for the text before the change is stale.
        self.newest.cancel(uri)
        document = self.documents.get(uri)
        if document is None:
            self.suggester.offers.forget(uri)
        else:
            self.suggester.offers.drop_accepted(uri, document.lines)

    def _given_up(self, uris: list[str]) -> None:
        problem = "could not be read; no suggestions there until it is closed and opened again"
        logger.warning("a change %s (documents: %d)", problem, len(uris))
        names = ", ".join(prompt_path(uri, ()) or uri for uri in uris[:3]) + (", …" if uris[3:] else "")
        message = f"{NAME}: a change of {names} {problem}"
        self.window_show_message(types.ShowMessageParams(types.MessageType.Warning, message))

    def _publish(self, status: Status) -> None:
        if self.tells_status:
            self.protocol.notify(STATUS, status.to_json())
        window = self.client_capabilities.window
        if window is not None and window.work_done_progress:
            self._progress.show(status)


def initialize(ls: Server, params: types.InitializeParams) -> None:
    """Agree on the unit of positions and on notifications of the status, and take the first settings."""
    ls.documents.encoding = types.PositionEncodingKind(ls.workspace.position_encoding).value
    ls.tells_status = wants_status(params.initialization_options, params.capabilities.experimental)
    if wants_menu(params.capabilities):
        ls.feature(types.TEXT_DOCUMENT_COMPLETION, OPTIONS)(completion)
    ls.report((*ls.problems, *ls.settings.update("initial", params.initialization_options)))
    if code_actions.can_resolve(params.capabilities):
        ls.feature(types.TEXT_DOCUMENT_CODE_ACTION, code_actions.OPTIONS)(code_action)
        ls.feature(types.CODE_ACTION_RESOLVE)(resolve_code_action)
    if params.process_id is not None:
        ls.end_with(params.process_id)


async def initialized(ls: Server, params: types.InitializedParams) -> None:
    """Ask for the editor's settings, hear of their changes, and let the engine load."""
    workspace = ls.client_capabilities.workspace
    change = workspace and workspace.did_change_configuration
    if change and change.dynamic_registration:
        registration = types.Registration(id=SECTION, method=types.WORKSPACE_DID_CHANGE_CONFIGURATION)
        ls.client_register_capability(types.RegistrationParams([registration]))
    await ls.configure("editor", await ls.pull_settings() if workspace and workspace.configuration else None)


async def did_change_configuration(ls: Server, params: types.DidChangeConfigurationParams) -> None:
    """Take over changed settings: asked for where the editor can be asked, else as they were sent."""
    workspace = ls.client_capabilities.workspace
    if workspace and workspace.configuration:
        await ls.configure("editor", await ls.pull_settings())
    else:
        settings = cast(object, params.settings)  # pyright: ignore[reportUnknownMemberType] - it is any JSON
        if isinstance(settings, dict):
            settings = cast(dict[str, object], settings).get(SECTION, cast(object, settings))
        await ls.configure("editor", settings)


def did_open(ls: Server, params: types.DidOpenTextDocumentParams) -> None:
    """Follow a document."""
    ls.documents.open([params.text_document])


def did_change(ls: Server, params: DidChangeParams) -> None:
    """Follow a change."""
    ls.documents.change(params.text_document, params.content_changes)


def did_close(ls: Server, params: types.DidCloseTextDocumentParams) -> None:
    """Forget a document."""
    ls.documents.close([params.text_document])


def notebook_did_open(ls: Server, params: types.DidOpenNotebookDocumentParams) -> None:
    """Follow the cells of a notebook."""
    ls.documents.open(params.cell_text_documents)


def notebook_did_change(ls: Server, params: types.DidChangeNotebookDocumentParams) -> None:
    """Follow changes in the cells of a notebook."""
    ls.documents.change_notebook(params.change)


def notebook_did_close(ls: Server, params: types.DidCloseNotebookDocumentParams) -> None:
    """Forget the cells of a notebook."""
    ls.documents.close(params.cell_text_documents)


async def inline_completion(ls: Server, params: InlineCompletionParams) -> types.InlineCompletionList:
    """Suggest what could stand at the cursor; never null, which VS Code and Neovim take for a failure."""
    started = time.perf_counter()
    folders = [folder.uri for folder in ls.workspace.folders.values()]
    uri, encoding, config = params.text_document.uri, ls.documents.encoding, ls.settings.config
    question = _unless_excluded(ls, uri, folders, lambda document: ask(params, document, encoding, config))
    if isinstance(question, Silence):
        ls.board.show_silence(ls.board.begin(), question)
        return types.InlineCompletionList(items=[])
    about = (question.range, question.must_start_with)
    with ls.newest.claim(uri, KIND, about=about, explicit=question.explicit):
        number, label = ls.board.begin(), str(ls.protocol.msg_id)
        texts = ls.suggester.recall(uri, question, label=label, started=started)
        if texts:
            ls.board.show_silence(number, None)
            return question.items(texts)
        request = question.request(path=prompt_path(uri, folders), config=config)
        with ls.board.waiting(number) as outcome:
            answer = await ls.suggester.suggest(uri, question, request, label=label, started=started)
            outcome.silence = answer if isinstance(answer, Silence) else None
    return question.items(() if isinstance(answer, Silence) else answer)


async def completion(ls: Server, params: types.CompletionParams) -> types.CompletionList:
    """Suggest the same in a menu, to editors that have nothing else to show it in."""
    menu = Menu.at(params, ls.documents.get(params.text_document.uri), ls.documents.encoding)
    answer = await inline_completion(ls, menu.question())
    return menu.show(answer, keeps_indentation=keeps_indentation(ls.client_capabilities))


def _unless_excluded(
    ls: Server, uri: str, folders: list[str], read: Callable[[Document], _Asked | Silence]
) -> _Asked | Silence:
    """What is asked of a document, or why it gets no answer. folders: the workspace's, as URIs."""
    document = ls.documents.get(uri)
    if document is None:
        return ls.documents.absence(uri)
    if silence := exclusion(uri, folders, ls.settings.config.exclude):
        return silence
    question = read(document)
    if isinstance(question, Silence):
        return question
    return text_exclusion(uri, question.window.text) or question


async def rewrite(ls: Server, params: RewriteParams) -> dict[str, object]:
    """Rewrite a selection to an instruction; each denoising step's draft is a partial result."""
    token = params.partial_result_token

    def show(pieces: list[tuple[str, float]]) -> None:
        if token is not None:
            ls.progress(types.ProgressParams(token=token, value=pieces))

    answer = await _rewrite(ls, params, None if token is None else show)
    return answer.to_json(params)


def code_action(ls: Server, params: types.CodeActionParams) -> list[types.CodeAction]:
    """What can be rewritten here; nothing where the document is left alone."""
    uri = params.text_document.uri
    document = ls.documents.get(uri)
    folders = [folder.uri for folder in ls.workspace.folders.values()]
    if document is None or exclusion(uri, folders, ls.settings.config.exclude):
        return []
    return code_actions.code_actions(params, document.version, document.language_id, ls.client_capabilities)


async def resolve_code_action(ls: Server, action: types.CodeAction) -> types.CodeAction:
    """The action with its edit; without one the user is told why."""
    params = code_actions.rewrite_of(action)
    answer = await _rewrite(ls, params)
    if answer.candidates:
        action.edit = code_actions.workspace_edit(params, answer.candidates[0], action.title, ls.client_capabilities)
    if answer.rejection is not None:
        ls.tell(f"nothing to offer: {answer.rejection}")
    if answer.notice not in ls.noticed:
        ls.noticed.add(answer.notice)
        ls.tell(answer.notice)
    return action


async def _rewrite(ls: Server, params: RewriteParams, show: Show | None = None) -> Rewritten:
    folders = [folder.uri for folder in ls.workspace.folders.values()]
    uri, label, number = params.text_document.uri, str(ls.protocol.msg_id), ls.board.begin()
    encoding, config = ls.documents.encoding, ls.settings.config
    question = _unless_excluded(ls, uri, folders, lambda document: read(params, document, encoding, config))
    if isinstance(question, Silence):
        ls.board.show_silence(number, question)
        return Rewritten(rejection=question)
    with ls.newest.claim(uri, REWRITE_KIND, about=None, explicit=True), ls.board.waiting(number) as outcome:
        request = question.request(path=prompt_path(uri, folders), config=config)
        answer = await rewritten(question, ls.session, request, label=label, show=show)
        outcome.silence = answer.rejection
    return answer


def status(ls: Server, params: object) -> object:
    """How the engine fares."""
    return ls.board.status.to_json()


HANDLERS: dict[str, Callable[..., Any]] = {
    types.INITIALIZE: initialize,
    types.INITIALIZED: initialized,
    types.WORKSPACE_DID_CHANGE_CONFIGURATION: did_change_configuration,
    types.TEXT_DOCUMENT_DID_OPEN: did_open,
    types.TEXT_DOCUMENT_DID_CHANGE: did_change,
    types.TEXT_DOCUMENT_DID_CLOSE: did_close,
    types.NOTEBOOK_DOCUMENT_DID_OPEN: notebook_did_open,
    types.NOTEBOOK_DOCUMENT_DID_CHANGE: notebook_did_change,
    types.NOTEBOOK_DOCUMENT_DID_CLOSE: notebook_did_close,
    REWRITE: rewrite,
    STATUS: status,
}


def register(server: Server) -> None:
    """Connect the handlers. Without its options pygls would not advertise inline completion."""
    for method, handler in HANDLERS.items():
        server.feature(method)(handler)
    server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())(inline_completion)
