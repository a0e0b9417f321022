"""What the user is told about the engine: one small value, published when it changes.

Shown as `dgemma/status` and, while something loads, as the editor's own progress. Asks nobody; it is told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from dgemma_lsp.host.codec import encode
from dgemma_lsp.host.wire import HostState, HostStatus

State: TypeAlias = Literal["starting", "downloading", "loading", "ready", "busy", "paused", "failed"]

DEMO_CHECKPOINT = "nano"
DEMO_WARNING = "demo checkpoint: small and only good for trying things out"

STATES: dict[HostState, State] = {
    "starting": "starting",
    "loading": "loading",
    "ready": "ready",
    "busy": "busy",
    "unloaded": "paused",
    "failed": "failed",
}
LOADING: frozenset[State] = frozenset({"starting", "downloading", "loading"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How things stand. message: one line for the user. progress: of loading, 0 to 1. last_silence: why the last
    request got no suggestion, None once one has got one."""

    state: State = "starting"
    message: str = "starting the engine"
    checkpoint: str = ""
    progress: float | None = None
    last_silence: str | None = None

    def to_json(self) -> object:
        """The wire's object, camelCase, nulls included."""
        return encode(self)


class StatusBoard:
    """The present status. `publish` is called with each new one."""

    def __init__(self, publish: Callable[[Status], None]) -> None:
        self.status = Status()
        self._publish = publish

    def show_engine(self, engine: HostStatus) -> None:
        """Show how the engine fares."""
        state = STATES[engine.state]
        message = engine.message or state
        if engine.checkpoint == DEMO_CHECKPOINT:
            message = f"{message} ({DEMO_WARNING})"
        self._show(
            replace(self.status, state=state, message=message, checkpoint=engine.checkpoint, progress=engine.progress)
        )

    def show_failure(self, message: str) -> None:
        """Show why there is no engine."""
        self._show(replace(self.status, state="failed", message=message, progress=None))

    def show_silence(self, reason: str | None) -> None:
        """Show why the last request got nothing, or None if it got something."""
        self._show(replace(self.status, last_silence=reason))

    def _show(self, status: Status) -> None:
        if status != self.status:
            self.status = status
            self._publish(status)
