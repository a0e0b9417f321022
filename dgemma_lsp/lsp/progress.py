"""Loading, shown as the editor's own work-done progress."""

from __future__ import annotations

import uuid

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from dgemma_lsp.wire.status import Status

TITLE = "DiffusionGemma"


class LoadingProgress:
    """One progress at a time, begun when loading begins and ended when it ends."""

    def __init__(self, server: LanguageServer) -> None:
        self._server = server
        self._token: str | None = None

    def show(self, status: Status) -> None:
        """Begin, go on or end, as the status says."""
        percentage = None if status.progress is None else round(100 * status.progress)
        if not status.loading:
            if self._token is not None:
                token, self._token = self._token, None
                self._send(token, types.WorkDoneProgressEnd(message=status.message))
        elif self._token is None:
            self._token = str(uuid.uuid4())
            self._server.window_work_done_progress_create(types.WorkDoneProgressCreateParams(token=self._token))
            self._send(
                self._token,
                types.WorkDoneProgressBegin(title=TITLE, message=status.message, percentage=percentage),
            )
        else:
            self._send(self._token, types.WorkDoneProgressReport(message=status.message, percentage=percentage))

    def _send(
        self,
        token: str,
        value: types.WorkDoneProgressBegin | types.WorkDoneProgressReport | types.WorkDoneProgressEnd,
    ) -> None:
        self._server.progress(types.ProgressParams(token=token, value=value))
