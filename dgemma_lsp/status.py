"""What the user is told: how the engine fares and why the last request got nothing, published when it changes.

Shown as `dgemma/status` and, while something loads, as the editor's own progress. Asks nobody; it is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import cast

from pygls.exceptions import JsonRpcRequestCancelled

from dgemma_lsp.config import SECTION, STATUS_NOTIFICATIONS
from dgemma_lsp.silence import Silence
from dgemma_lsp.wire.status import Status


@dataclass(slots=True)
class Waiting:
    """A request that is waited for. silence: what is told of it in the end."""

    silence: Silence | None


class StatusBoard:
    """The present status. `publish` is called with each new one."""

    def __init__(self, publish: Callable[[Status], None]) -> None:
        self.status = Status()
        self._publish = publish
        self._last_request = 0

    def show_engine(self, status: Status) -> None:
        """Show how the engine fares."""
        told = self.status
        self._show(replace(status, last_silence=told.last_silence, last_silence_reason=told.last_silence_reason))

    def show_failure(self, message: str) -> None:
        """Show why there is no engine."""
        self._show(replace(self.status, state="failed", message=message, progress=None))

    def show_end(self) -> None:
        """Show that the engine has ended, unless it has said why it ends."""
        if self.status.state != "failed":
            message = "The engine has ended; the next request starts it again."
            self._show(replace(self.status, state="paused", message=message, progress=None, pid=0))

    def begin(self) -> int:
        """The number of a new request, which is from now on the last one."""
        self._last_request += 1
        return self._last_request

    def show_silence(self, request: int, silence: Silence | None) -> None:
        """Show why a request has no suggestion, None where it has one. Only the last request's is shown."""
        if request == self._last_request:
            words, reason = (str(silence), silence.reason) if silence else (None, None)
            self._show(replace(self.status, last_silence=words, last_silence_reason=reason))

    @contextmanager
    def waiting(self, request: int) -> Generator[Waiting]:
        """For a `with` block around the waiting for an answer: shows that it is waited for, then what came of it."""
        self.show_silence(request, Silence("thinking"))
        waiting = Waiting(Silence("failed"))
        try:
            yield waiting
        except (asyncio.CancelledError, JsonRpcRequestCancelled):
            waiting.silence = Silence("cancelled")
            raise
        finally:
            self.show_silence(request, waiting.silence)

    def _show(self, status: Status) -> None:
        if status != self.status:
            self.status = status
            self._publish(status)


def wants_status(initialization_options: object, experimental: object) -> bool:
    """Whether a client asks for `dgemma/status` notifications, which others would call unknown: by
    `"statusNotifications": true` in its initialization options, or by `{"dgemma": {"statusNotifications": true}}` in
    its experimental capabilities."""
    asks = (initialization_options, _member(experimental, SECTION))
    return any(_member(value, STATUS_NOTIFICATIONS) is True for value in asks)


def _member(value: object, name: str) -> object:
    return cast(dict[str, object], value).get(name) if isinstance(value, dict) else None
