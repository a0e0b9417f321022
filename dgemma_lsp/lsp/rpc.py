"""The protocol underneath the features: whose turn it is, and what is malformed.

pygls leaves requests without an answer that it cannot parse or that come after `shutdown`, and lets through those that
come before `initialize`; here every request gets its answer. It also follows documents on its own, splitting lines
differently from editors: that part of it is taken out, and `dgemma_lsp.documents.store` does it. Nothing that a client
sends ends the process or is written to a log.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeGuard, cast

import attrs
from lsprotocol import types
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInvalidParams,
    JsonRpcInvalidRequest,
    JsonRpcParseError,
    JsonRpcServerNotInitialized,
)
from pygls.protocol import (
    JsonRPCNotification,
    JsonRPCRequestMessage,
    JsonRPCResponseMessage,
    LanguageServerProtocol,
)

from dgemma_lsp.documents.store import ContentChange
from dgemma_lsp.lsp.structure import read_initialize

if TYPE_CHECKING:
    from cattrs import Converter
    from pygls.lsp.server import LanguageServer

logger = logging.getLogger(__name__)

SYNCHRONIZATION = (
    types.TEXT_DOCUMENT_DID_OPEN,
    types.TEXT_DOCUMENT_DID_CHANGE,
    types.TEXT_DOCUMENT_DID_CLOSE,
    types.NOTEBOOK_DOCUMENT_DID_OPEN,
    types.NOTEBOOK_DOCUMENT_DID_CHANGE,
    types.NOTEBOOK_DOCUMENT_DID_CLOSE,
)


REWRITE = "dgemma/rewrite"
STATUS = "dgemma/status"
INLINE_EDIT = "dgemma/inlineEdit"
COPILOT_INLINE_EDIT = "textDocument/copilotInlineEdit"
DID_MOVE_CURSOR = "dgemma/didMoveCursor"
DID_SHOW_INLINE_EDIT, DID_FOCUS = "textDocument/didShowInlineEdit", "textDocument/didFocus"

UNUSED = (types.SET_TRACE, types.WINDOW_WORK_DONE_PROGRESS_CANCEL)
"""Notifications that pygls keeps a state for which nobody here looks at."""


@attrs.define
class TextDocument:
    """A document's identifier; Copilot's clients add the version that the request was made for."""

    uri: str
    version: int | None = None


@attrs.define
class InlineCompletionParams:
    """The standard's parameters, and what Copilot's clients add to them."""

    text_document: TextDocument
    position: types.Position
    context: types.InlineCompletionContext
    formatting_options: types.FormattingOptions | None = None


@attrs.define
class InlineCompletionRequest:
    """`textDocument/inlineCompletion` with nothing dropped."""

    id: int | str
    params: InlineCompletionParams
    method: str = types.TEXT_DOCUMENT_INLINE_COMPLETION
    jsonrpc: str = "2.0"


@attrs.define
class DidChangeParams:
    """The standard's parameters; clients from before version 3.16 may leave the document's version out."""

    text_document: TextDocument
    content_changes: list[ContentChange]


@attrs.define
class DidChangeNotification:
    """`textDocument/didChange` as older clients send it, too."""

    params: DidChangeParams
    method: str = types.TEXT_DOCUMENT_DID_CHANGE
    jsonrpc: str = "2.0"


@attrs.define
class RewriteParams:
    """A selection and what shall become of it. version: of the document that the range is about. seed: another one
    brings another answer to the same words."""

    text_document: TextDocument
    range: types.Range
    instruction: str
    partial_result_token: int | str | None = None
    seed: int = 0


@attrs.define
class RewriteRequest:
    """`dgemma/rewrite`."""

    id: int | str
    params: RewriteParams
    method: str = REWRITE
    jsonrpc: str = "2.0"


@attrs.define
class InlineEditContext:
    """How an edit is asked for, and the diagnostics of the document that the editor knows."""

    trigger_kind: types.InlineCompletionTriggerKind = types.InlineCompletionTriggerKind.Automatic
    diagnostics: list[types.Diagnostic] = attrs.field(factory=list[types.Diagnostic])


@attrs.define
class InlineEditParams:
    """A cursor, and the version of the document that it is in."""

    text_document: TextDocument
    position: types.Position
    context: InlineEditContext | None = None


@attrs.define
class InlineEditRequest:
    """`dgemma/inlineEdit` and `textDocument/copilotInlineEdit`."""

    id: int | str
    params: InlineEditParams
    method: str = INLINE_EDIT
    jsonrpc: str = "2.0"


@attrs.define
class DidMoveCursorNotification:
    """`dgemma/didMoveCursor`: where the cursor has come to rest."""

    params: types.TextDocumentPositionParams
    method: str = DID_MOVE_CURSOR
    jsonrpc: str = "2.0"


IS_REQUEST: dict[str, bool] = {
    method: known[1] is not None
    for method, known in cast(dict[str, tuple[Any, ...]], types.METHOD_TO_TYPES).items()  # pyright: ignore[reportUnknownMemberType] - it is untyped
}
"""The methods of the standard: whether one is a request, or a notification."""

OWN_TYPES: dict[str, type] = {
    types.TEXT_DOCUMENT_INLINE_COMPLETION: InlineCompletionRequest,
    types.TEXT_DOCUMENT_DID_CHANGE: DidChangeNotification,
    REWRITE: RewriteRequest,
    INLINE_EDIT: InlineEditRequest,
    COPILOT_INLINE_EDIT: InlineEditRequest,
    DID_MOVE_CURSOR: DidMoveCursorNotification,
}


class Protocol(LanguageServerProtocol):
    """pygls's protocol with a strict order of life and an answer to every request.

    `lost` is called where a message could not be read that may have changed a document: with its URI, or None where it
    may have been any.
    """

    def __init__(self, server: LanguageServer, converter: Converter) -> None:
        super().__init__(server, converter)
        self.answered: int | str | None = None
        """The `initialize` that has had its answer before this was there."""
        self.lost: Callable[[str | None], None] = lambda uri: None
        self._initialized = False
        builtin = cast(dict[str, object], self.fm.builtin_features)  # pyright: ignore[reportUnknownMemberType]
        for method in (*SYNCHRONIZATION, *UNUSED):
            del builtin[method]

    @property
    def was_shut_down(self) -> bool:
        """The client has asked for `shutdown`: the sign of an orderly exit."""
        return self._shutdown

    def get_message_type(self, method: str) -> type[Any] | None:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The type of a message: our own where it says more than the standard's."""
        # pygls wraps its method in a cache, which a plain look-up does not need.
        return OWN_TYPES.get(method) or super().get_message_type(method)

    def receive(self, body: bytes) -> None:
        """Take one message: do what it says, or answer what is wrong with it."""
        try:
            message: object = json.loads(body)
        except (ValueError, RecursionError):
            self._refuse_unreadable(JsonRpcParseError("the message is not JSON"))
            return
        if not isinstance(message, dict):
            self._refuse_unreadable(JsonRpcInvalidRequest("the message is not an object; there are no batches in LSP"))
            return
        data = cast(dict[str, Any], message)
        method = data.get("method")
        if data.get("jsonrpc") != self.VERSION:
            self.refuse(data.get("id"), JsonRpcInvalidRequest("this is not a JSON-RPC 2.0 message"))
        elif isinstance(method, str):
            self._take_call(method, data)
        elif "method" not in data and "id" in data:
            self._take_answer(data)
        else:
            self.refuse(data.get("id"), JsonRpcInvalidRequest("the method is not a string"))

    def refuse(self, request_id: object, error: JsonRpcException) -> None:
        """Answer with an error, to nobody in particular where `request_id` is none."""
        answer = {"code": error.code, "message": error.message}
        named = request_id if _is_id(request_id) else None
        self._send_data({"jsonrpc": self.VERSION, "id": named, "error": answer})

    def _take_call(self, method: str, data: dict[str, Any]) -> None:
        is_request = IS_REQUEST.get(method, "id" in data)
        request_id = data.get("id")
        refusal = None if method == types.EXIT else self._refusal(method)
        if is_request and not _is_id(request_id):
            refusal = JsonRpcInvalidRequest(f"{method} is a request, whose id is a whole number or a string")
        message = None
        if refusal is None and (is_request or self._takes(method)):
            try:
                message = self._structured(method, data, is_request=is_request)
            except Exception as error:
                # Not quoted, because it may hold source text.
                logger.warning("cannot read %s: %s", _shown(method), type(error).__name__)
                refusal = JsonRpcInvalidParams(f"the parameters of {method} cannot be read")
                if method in SYNCHRONIZATION:
                    self.lost(_document(data))
        if refusal is not None:
            if is_request or "id" in data:
                self.refuse(request_id, refusal)
            return
        if not is_request and "id" in data:
            # The standard gives this method no answer, and this client waits for one.
            self._answer_notification(request_id)
        self._initialized = self._initialized or method == types.INITIALIZE
        if message is not None:
            self.handle_message(message)  # pyright: ignore[reportArgumentType] - it is one of its types

    def _takes(self, method: str) -> bool:
        ours = cast(dict[str, object], self.fm.features)  # pyright: ignore[reportUnknownMemberType]
        of_pygls = cast(dict[str, object], self.fm.builtin_features)  # pyright: ignore[reportUnknownMemberType]
        return method == types.CANCEL_REQUEST or method in ours or method in of_pygls

    def _structured(self, method: str, data: dict[str, Any], *, is_request: bool) -> object:
        """A call as its type."""
        if method == types.INITIALIZE:
            params, left_out = read_initialize(data.get("params"))
            if left_out:
                logger.info("of what the editor says of itself this is not understood: %s", ", ".join(left_out))
            return types.InitializeRequest(id=data["id"], params=params)
        kind = self.get_message_type(method)
        if kind is not None:
            return self._converter.structure(data, kind)
        params = data.get("params")
        if is_request:
            return JsonRPCRequestMessage(id=data["id"], method=method, jsonrpc=self.VERSION, params=params)
        return JsonRPCNotification(method=method, jsonrpc=self.VERSION, params=params)

    def _take_answer(self, data: dict[str, Any]) -> None:
        """Hand an answer to who has asked; what nobody has asked for is nobody's."""
        request_id = data["id"]
        asked = self._request_futures.get(request_id) if _is_id(request_id) else None
        # The requests that the client waits for stand in the same table, as tasks.
        if not isinstance(asked, Future):
            return
        del self._request_futures[request_id]
        kind = self._result_types.pop(request_id, None) or JsonRPCResponseMessage
        if not asked.set_running_or_notify_cancel():
            return
        try:
            if data.get("error") is not None:
                error = self._converter.structure(data["error"], types.ResponseError)
                asked.set_exception(JsonRpcException.from_error(error))
            else:
                asked.set_result(self._converter.structure({"result": None, **data}, kind).result)
        except Exception as error:
            asked.set_exception(JsonRpcInvalidParams(f"the answer cannot be read: {type(error).__name__}"))

    def _handle_cancel_notification(self, msg_id: object) -> None:
        """Cancel a request of the client's; any other id is none of its business."""
        task = self._request_futures.get(msg_id) if _is_id(msg_id) else None
        if isinstance(task, asyncio.Task):
            task.cancel()

    def _send_response(
        self, msg_id: int | str, result: object = None, error: types.ResponseError | None = None
    ) -> None:
        """Answer a request, unless it has been."""
        if msg_id == self.answered:
            self.answered = None
        else:
            super()._send_response(msg_id, result, error)

    def _answer_notification(self, request_id: object) -> None:
        if _is_id(request_id):
            self._send_data({"jsonrpc": self.VERSION, "id": request_id, "result": None})
        else:
            self.refuse(None, JsonRpcInvalidRequest("an id is a whole number or a string"))

    def _refuse_unreadable(self, error: JsonRpcException) -> None:
        logger.warning("a message of the editor cannot be read: %s", error.message)
        self.refuse(None, error)
        self.lost(None)

    def _refusal(self, method: str) -> JsonRpcException | None:
        """Why `method` is out of turn, or None."""
        if self._shutdown:
            return JsonRpcInvalidRequest("the server has been shut down")
        if self._initialized == (method == types.INITIALIZE):
            return (
                JsonRpcInvalidRequest("the server has been initialized already")
                if self._initialized
                else JsonRpcServerNotInitialized("the server has not been initialized yet")
            )
        return None


def _is_id(value: object) -> TypeGuard[int | str]:
    return type(value) in (int, str)


def _document(data: dict[str, Any]) -> str | None:
    """The document that a notification is about, as far as it can be read."""
    params: object = data.get("params")
    document: object = cast(dict[str, object], params).get("textDocument") if isinstance(params, dict) else None
    uri = cast(dict[str, object], document).get("uri") if isinstance(document, dict) else None
    return uri if isinstance(uri, str) else None


def _shown(method: str) -> str:
    """A method's name for the log; only the standard's names are sure to hold no source text."""
    return method if method in IS_REQUEST else "a message"
