"""The protocol underneath the features: whose turn it is, and what is malformed.

pygls leaves requests without an answer that it cannot parse or that come after `shutdown`, and lets through those that
come before `initialize`; here every request gets its answer. It also follows documents on its own, splitting lines
differently from editors: that part of it is taken out, and `dgemma_lsp.documents` does it. Nothing that a client sends
ends the process or is written to a log.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import attrs
from lsprotocol import types
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInvalidRequest,
    JsonRpcParseError,
    JsonRpcServerNotInitialized,
)
from pygls.protocol import LanguageServerProtocol

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


@dataclass(frozen=True, slots=True)
class Malformed:
    """A message that is JSON, but not one of ours. request_id: to answer to; None where nobody waits."""

    request_id: int | str | None
    error: JsonRpcException


class Protocol(LanguageServerProtocol):
    """pygls's protocol with a strict order of life and an answer to every request."""

    def __init__(self, server: LanguageServer, converter: Converter) -> None:
        super().__init__(server, converter)
        self.answered: int | str | None = None
        """The `initialize` that has had its answer before this was there."""
        self._initialized = False
        builtin = cast(dict[str, object], self.fm.builtin_features)  # pyright: ignore[reportUnknownMemberType]
        for method in SYNCHRONIZATION:
            del builtin[method]

    @property
    def was_shut_down(self) -> bool:
        """The client has asked for `shutdown`: the sign of an orderly exit."""
        return self._shutdown

    def get_message_type(self, method: str) -> type[Any] | None:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The type of a message: our own where it says more than the standard's."""
        # pygls wraps its method in a cache, which a plain look-up does not need.
        if method == types.TEXT_DOCUMENT_INLINE_COMPLETION:
            return InlineCompletionRequest
        return super().get_message_type(method)

    def structure_message(self, data: dict[str, Any]) -> object:
        """Give a JSON object its type; called for nested objects too, which have no `jsonrpc`."""
        method = data.get("method", "")
        try:
            if not isinstance(method, str):
                raise JsonRpcInvalidRequest("the method is not a string")
            if "jsonrpc" in data and self.get_message_type(method) is None:
                # pygls insists on the key where it does not know the method; the standard does not.
                data.setdefault("params" if method else "result", None)
            return super().structure_message(data)
        except JsonRpcException as error:
            return Malformed(data.get("id") if method else None, error)

    def handle_message(self, message: object) -> None:
        """Hand a message to its handler, or answer what is wrong with it."""
        if isinstance(message, Malformed):
            logger.warning("refused a malformed message: %s", message.error)
            if message.request_id is not None and message.request_id == self.answered:
                # Too late for an error, and the editor will find every other request refused.
                problem = f"dgemma-lsp cannot read the editor's initialize request: {message.error.message}"
                self.notify(types.WINDOW_SHOW_MESSAGE, types.ShowMessageParams(types.MessageType.Error, problem))
            elif message.request_id is not None:
                self.refuse(message.request_id, message.error)
            return
        if getattr(message, "jsonrpc", None) != self.VERSION:
            self.refuse(getattr(message, "id", None), JsonRpcInvalidRequest("this is not a JSON-RPC 2.0 message"))
            return
        method, request_id = getattr(message, "method", None), getattr(message, "id", None)
        refusal = None if method in (None, types.EXIT) else self._refusal(method)
        if refusal is None:
            self._initialized = self._initialized or method == types.INITIALIZE
            super().handle_message(message)  # pyright: ignore[reportArgumentType] - `jsonrpc` makes it one of its types
        elif request_id is not None:
            self.refuse(request_id, refusal)

    def refuse(self, request_id: int | str | None, error: JsonRpcException) -> None:
        """Answer with an error; `request_id` is None where the request could not even be read."""
        answer = {"code": error.code, "message": error.message}
        self._send_data({"jsonrpc": self.VERSION, "id": request_id, "error": answer})

    def refuse_unreadable(self) -> None:
        """Answer a message that is not JSON."""
        self.refuse(None, JsonRpcParseError("the message is not JSON"))

    def _send_response(
        self, msg_id: int | str, result: object = None, error: types.ResponseError | None = None
    ) -> None:
        """Answer a request, unless it has been."""
        if msg_id == self.answered:
            self.answered = None
        else:
            super()._send_response(msg_id, result, error)

    def _refusal(self, method: str | None) -> JsonRpcException | None:
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
