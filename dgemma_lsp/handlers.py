"""The handlers that connect the protocol to the server.

They are thin and run in the event loop's thread; whatever waits is a coroutine that can be cancelled at any point.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from lsprotocol import types

from dgemma_lsp import edit_handlers
from dgemma_lsp.config import SECTION
from dgemma_lsp.documents.exclude import exclusion, text_exclusion
from dgemma_lsp.documents.store import Document
from dgemma_lsp.documents.window import prompt_path
from dgemma_lsp.features import code_actions
from dgemma_lsp.features.inline import KIND, InlineQuestion, inline_question
from dgemma_lsp.features.menu import OPTIONS, Menu, keeps_indentation, wants_menu
from dgemma_lsp.features.prefill import can_prefill, prefill
from dgemma_lsp.features.rewrite import KIND as REWRITE_KIND
from dgemma_lsp.features.rewrite import RewriteQuestion, Rewritten, Show, rewrite_question, rewritten
from dgemma_lsp.lsp.rpc import (
    DID_MOVE_CURSOR,
    REWRITE,
    STATUS,
    DidChangeParams,
    InlineCompletionParams,
    RewriteParams,
    TextDocument,
)
from dgemma_lsp.silence import Silence
from dgemma_lsp.status import wants_status
from dgemma_lsp.wire.codec import encode

if TYPE_CHECKING:
    from dgemma_lsp.server import Server

_Question = TypeVar("_Question", InlineQuestion, RewriteQuestion)


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
    uri, encoding, config = params.text_document.uri, ls.documents.encoding, ls.settings.config
    question = _unless_excluded(ls, uri, lambda document: inline_question(params, document, encoding, config))
    if isinstance(question, Silence):
        ls.board.show_silence(ls.board.begin(), question)
        return types.InlineCompletionList(items=[])
    about = (question.range, question.must_start_with)
    with ls.newest.claim(uri, KIND, about=about, explicit=question.explicit):
        number, label = ls.board.begin(), str(ls.protocol.msg_id)
        texts = ls.inline.recall(uri, question, label=label, started=started)
        if texts:
            ls.board.show_silence(number, None)
            return question.items(texts)
        request = question.request(path=prompt_path(uri, ls.folders), config=config)
        with ls.board.waiting(number) as waiting:
            answer = await ls.inline.suggest(uri, question, request, label=label, started=started)
            waiting.silence = answer if isinstance(answer, Silence) else None
    return question.items(() if isinstance(answer, Silence) else answer)


async def did_move_cursor(ls: Server, params: types.TextDocumentPositionParams) -> None:
    """Have the engine read what stands around the cursor, for what may be asked there."""
    if not can_prefill(ls.board.status):
        return
    uri, encoding, config = params.text_document.uri, ls.documents.encoding, ls.settings.config
    automatic = types.InlineCompletionContext(types.InlineCompletionTriggerKind.Automatic)
    asked = InlineCompletionParams(TextDocument(uri), params.position, automatic)
    question = _unless_excluded(ls, uri, lambda document: inline_question(asked, document, encoding, config))
    if not isinstance(question, Silence):
        await prefill(ls.session, question.request(path=prompt_path(uri, ls.folders), config=config))


async def completion(ls: Server, params: types.CompletionParams) -> types.CompletionList:
    """Suggest the same in a menu, to editors that have nothing else to show it in."""
    menu = Menu.at(params, ls.documents.get(params.text_document.uri), ls.documents.encoding)
    answer = await inline_completion(ls, menu.question())
    return menu.show(answer, keeps_indentation=keeps_indentation(ls.client_capabilities))


def _unless_excluded(ls: Server, uri: str, read: Callable[[Document], _Question | Silence]) -> _Question | Silence:
    """What is asked of a document, or why it gets no answer."""
    document = ls.documents.get(uri)
    if document is None:
        return ls.documents.absence(uri)
    if silence := exclusion(uri, ls.folders, ls.settings.config.exclude):
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
    if document is None or exclusion(uri, ls.folders, ls.settings.config.exclude):
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
    if answer.notice:
        ls.tell(answer.notice)
    return action


async def _rewrite(ls: Server, params: RewriteParams, show: Show | None = None) -> Rewritten:
    uri, label, number = params.text_document.uri, str(ls.protocol.msg_id), ls.board.begin()
    encoding, config = ls.documents.encoding, ls.settings.config
    question = _unless_excluded(ls, uri, lambda document: rewrite_question(params, document, encoding, config))
    if isinstance(question, Silence):
        ls.board.show_silence(number, question)
        return Rewritten(rejection=question)
    with ls.newest.claim(uri, REWRITE_KIND, about=None, explicit=True), ls.board.waiting(number) as waiting:
        request = question.request(path=prompt_path(uri, ls.folders), config=config)
        answer = await rewritten(question, ls.session, request, label=label, show=show)
        waiting.silence = answer.rejection
    notice = ls.board.status.instruction_notice
    # Where the engine gave no answer, there is none that ignores the instruction.
    if not answer.stats or notice in ls.noticed:
        return answer
    ls.noticed.add(notice)
    return replace(answer, notice=notice)


def status(ls: Server, params: object) -> object:
    """How the engine fares."""
    return encode(ls.board.status)


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
    DID_MOVE_CURSOR: did_move_cursor,
    REWRITE: rewrite,
    STATUS: status,
}


def register(server: Server) -> None:
    """Connect the handlers. Without its options pygls would not advertise inline completion."""
    for method, handler in HANDLERS.items():
        server.feature(method)(handler)
    edit_handlers.register(server)
    server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())(inline_completion)
