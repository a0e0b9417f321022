"""What the user is told about the engine: one small value, published when it changes.

Shown as `dgemma/status` and, while something loads, as the editor's own progress. Asks nobody; it is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, cast

from pygls.exceptions import JsonRpcRequestCancelled

from dgemma_lsp.config import SECTION, STATUS_NOTIFICATIONS
from dgemma_lsp.silence import Silence
from dgemma_lsp.wire.messages import HostState, HostStatus

State: TypeAlias = HostState | Literal["downloading"]

EMBEDDED = "nano"
EMBEDDED_WARNING = "the embedded checkpoint, small and only good for trying things out"

LOADING: frozenset[State] = frozenset({"starting", "downloading", "loading"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How things stand. message: one line for the user that adds to `state`. progress: of loading, 0 to 1.
    last_silence: why the last request got no suggestion, None once one has got one."""

    state: State = "starting"
    message: str = "starting the engine"
    checkpoint: str = ""
    progress: float | None = None
    last_silence: Silence | None = None

    def to_json(self) -> dict[str, object]:
        """The wire's object, nulls included: the reason for a silence in words, and its code beside them."""
        return {
            "state": self.state,
            "message": self.message,
            "checkpoint": self.checkpoint,
            "progress": self.progress,
            "lastSilence": self.last_silence and str(self.last_silence),
            "lastSilenceReason": self.last_silence and self.last_silence.reason,
        }


@dataclass(slots=True)
class Outcome:
    """What has come of a request."""

    silence: Silence | None


class StatusBoard:
    """The present status. `publish` is called with each new one."""

    def __init__(self, publish: Callable[[Status], None]) -> None:
        self.status = Status()
        self._publish = publish
        self._last_request = 0

    def show_engine(self, engine: HostStatus) -> None:
        """Show how the engine fares."""
        self._show(
            replace(
                self.status,
                state=engine.state,
                message=_message(engine),
                checkpoint=engine.checkpoint,
                progress=engine.progress,
            )
        )

    def show_failure(self, message: str) -> None:
        """Show why there is no engine."""
        self._show(replace(self.status, state="failed", message=message, progress=None))

    def begin(self) -> int:
        """The number of a new request, which is from now on the last one."""
        self._last_request += 1
        return self._last_request

    def show_silence(self, request: int, silence: Silence | None) -> None:
        """Show why a request has no suggestion, None where it has one. Only the last request's is shown."""
        if request == self._last_request:
            self._show(replace(self.status, last_silence=silence))

    @contextmanager
    def waiting(self, request: int) -> Generator[Outcome]:
        """For a `with` block around the waiting for an answer: shows that it is waited for, and then the outcome."""
        self.show_silence(request, Silence("thinking"))
        outcome = Outcome(Silence("failed"))
        try:
            yield outcome
        except (asyncio.CancelledError, JsonRpcRequestCancelled):
            outcome.silence = Silence("cancelled")
            raise
        finally:
            self.show_silence(request, outcome.silence)

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


def _message(engine: HostStatus) -> str:
    if engine.state not in ("ready", "busy"):
        return engine.message or f"{engine.state} {engine.checkpoint}".rstrip()
    warning = EMBEDDED_WARNING if engine.checkpoint == EMBEDDED else ""
    return "; ".join(filter(None, (f"{engine.checkpoint} on {engine.device}", engine.message, warning)))
