"""The handlers of edit suggestions, thin like all others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcRequestCancelled

from dgemma_lsp.documents.exclude import exclusion, text_exclusion
from dgemma_lsp.documents.positions import to_place
from dgemma_lsp.documents.store import Document
from dgemma_lsp.documents.window import prompt_path
from dgemma_lsp.edits.edit import ACCEPTED, REJECTED, Edit
from dgemma_lsp.edits.suggester import KIND, EditQuestion
from dgemma_lsp.lsp.rpc import COPILOT_INLINE_EDIT, DID_FOCUS, DID_SHOW_INLINE_EDIT, INLINE_EDIT, InlineEditParams
from dgemma_lsp.silence import Silence

if TYPE_CHECKING:
    from dgemma_lsp.server import Server


async def inline_edit(ls: Server, params: InlineEditParams) -> dict[str, object]:
    """The edit that follows from the last changes, or why there is none."""
    edit = await _suggest(ls, params)
    answer: dict[str, object] = {"textDocument": params.text_document, "stats": {}}
    if isinstance(edit, Silence):
        return answer | {"rejection": edit.to_json()}
    document = ls.documents.get(edit.uri)
    if document is None:
        return answer | {"rejection": Silence("not_open").to_json()}
    cursor = None
    if edit.uri == params.text_document.uri:
        at = params.position
        cursor = to_place(document.lines, at.line, at.character, ls.documents.encoding)
    return answer | {"edit": edit.to_json(document.lines, cursor, ls.documents.encoding)}


async def copilot_inline_edit(ls: Server, params: InlineEditParams) -> dict[str, object]:
    """The same in Copilot's shape, whose clients take an error for a fault, and so get no edit where they have asked
    for a newer one."""
    try:
        edit = await _suggest(ls, params)
    except (asyncio.CancelledError, JsonRpcRequestCancelled):
        return {"edits": []}
    document = None if isinstance(edit, Silence) else ls.documents.get(edit.uri)
    if isinstance(edit, Silence) or document is None:
        return {"edits": []}
    return {"edits": [edit.to_copilot(document.lines, ls.documents.encoding)]}


def unheeded(ls: Server, params: object) -> None:
    """Take what Copilot's clients tell and nothing here depends on."""


HANDLERS: dict[str, Callable[..., Any]] = {
    INLINE_EDIT: inline_edit,
    COPILOT_INLINE_EDIT: copilot_inline_edit,
    DID_SHOW_INLINE_EDIT: unheeded,
    DID_FOCUS: unheeded,
}


def register(server: Server) -> None:
    """Connect the handlers, and the commands by which an editor tells what became of an edit."""
    for method, handler in HANDLERS.items():
        server.feature(method)(handler)

    @server.command(ACCEPTED)
    def accepted(edit_id: str) -> None:  # pyright: ignore[reportUnusedFunction] - the decorator keeps it.
        server.edits.accept(edit_id)

    @server.command(REJECTED)
    def rejected(edit_id: str) -> None:  # pyright: ignore[reportUnusedFunction] - the decorator keeps it.
        server.edits.reject(edit_id)


async def _suggest(ls: Server, params: InlineEditParams) -> Edit | Silence:
    question = _question(ls, params, str(ls.protocol.msg_id))
    if not _is_asked_for(params):
        # The status is for why a completion was silent; that no edit follows from what is typed goes without saying.
        return question if isinstance(question, Silence) else await _answer(ls, question)
    number = ls.board.begin()
    if isinstance(question, Silence):
        ls.board.show_silence(number, question)
        return question
    with ls.board.waiting(number) as waiting:
        edit = await _answer(ls, question)
        waiting.silence = edit if isinstance(edit, Silence) else None
    return edit


async def _answer(ls: Server, question: EditQuestion) -> Edit | Silence:
    about, reads = question.cursor, question.documents
    with ls.newest.claim(question.uri, KIND, about=about, explicit=question.explicit, reads=reads):
        return await ls.edits.suggest(question)


def _is_asked_for(params: InlineEditParams) -> bool:
    context = params.context
    return context is not None and context.trigger_kind is types.InlineCompletionTriggerKind.Invoked


def _question(ls: Server, params: InlineEditParams, label: str) -> EditQuestion | Silence:
    """What is asked, cut free of the protocol, or why it gets no answer."""
    uri, context, config = params.text_document.uri, params.context, ls.settings.config
    explicit = _is_asked_for(params)
    document = ls.documents.get(uri)
    if document is None:
        return ls.documents.absence(uri)
    if not explicit and not config.edits.automatic:
        return Silence("automatic_off")
    if not explicit and not config.suggests_in(document.language_id):
        return Silence("language_off", document.language_id)
    if params.text_document.version not in (None, document.version):
        return Silence("other_version")
    if params.position.line >= len(document.lines):
        return Silence("no_position")
    folders = ls.folders
    if silence := _exclusion(document, folders, config.exclude):
        return silence
    changes = ls.documents.recent_changes()
    others = (each for each in ls.documents if each is not document) if changes else ()
    wanted = (each for each in others if explicit or config.suggests_in(each.language_id))
    shown = [document, *(each for each in wanted if not _exclusion(each, folders, config.exclude))]
    documents = {each.uri: each for each in shown}
    diagnostics = () if context is None else context.diagnostics
    return EditQuestion(
        uri=uri,
        cursor=to_place(document.lines, params.position.line, params.position.character, ls.documents.encoding),
        documents=documents,
        changes=[change for change in changes if change.uri in documents],
        diagnostics=[each.range.start.line for each in diagnostics if each.range.start.line < len(document.lines)],
        path_of=lambda each: prompt_path(each, folders),
        config=config,
        explicit=explicit,
        label=label,
    )


def _exclusion(document: Document, folders: list[str], exclude: tuple[str, ...]) -> Silence | None:
    """Why a document is neither shown to the model nor changed, or None."""
    whole = "".join(document.lines)
    return exclusion(document.uri, folders, exclude) or text_exclusion(document.uri, whole)
