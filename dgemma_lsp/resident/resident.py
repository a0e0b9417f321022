"""The model and whether it is there: loaded when it is needed, dropped when it is not.

Belongs to the model's thread, but for `status`, which anyone may read.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Protocol, TypeAlias

from dgemma_lsp.checkpoints.resolve import EMBEDDED
from dgemma_lsp.wire.status import Status
from engine.errors import EngineError
from infill.request import Filled, InfillRequest, Progress

RETRY_S = 30.0
"""A model that could not be loaded is not tried again sooner, so that typing does not load without end."""

EMBEDDED_WARNING = "the embedded checkpoint, small and only good for trying things out"

Forwards: TypeAlias = Generator[Progress | Filled, None, None]
"""One model forward a `next()`; closing it cancels."""


class Model(Protocol):
    """A loaded model with its pipeline; used by one thread only. device: what it lies on, for the user to read. notice:
    what the user should know of how it was loaded; empty where all is well."""

    @property
    def device(self) -> str: ...

    @property
    def notice(self) -> str: ...

    def fill(self, request: InfillRequest) -> Forwards:
        """Begin a request."""
        ...

    def close(self) -> None:
        """Free the weights."""
        ...


Report: TypeAlias = Callable[[str, float | None], None]
"""Takes what loading does now, one line for the user, and how far it is: 0 to 1, or None where that is unknown."""

Loader: TypeAlias = Callable[[Report], Model]
"""Loads the model; may take minutes. Raises `EngineError` where the user can mend what is wrong."""

_log = logging.getLogger(__name__)


class Resident:
    """One model, resident or not.

    status: before loading begins. changed: called after every change of it.
    """

    def __init__(self, load: Loader, status: Status, *, changed: Callable[[], None]) -> None:
        self._load = load
        self._changed = changed
        self._model: Model | None = None
        self._failed_s = 0.0
        self._status = status

    @property
    def status(self) -> Status:
        """How the model fares now."""
        return self._status

    @property
    def model(self) -> Model | None:
        """The model, if it is in memory."""
        return self._model

    def load(self) -> None:
        """Load the model.

        Raises:
            EngineError: it cannot be loaded; the message is the status's too.
        """
        if self._status.state == "failed" and time.monotonic() - self._failed_s < RETRY_S:
            raise EngineError(self._status.message)
        self._change(state="loading", message="Loading the model", progress=None)
        started = time.monotonic()
        try:
            model = self._load(self._report)
        except EngineError as error:
            self._fail(str(error))
            raise
        except Exception as error:
            # Whatever a library threw, the thread lives on and the user gets one line; the log has the rest.
            _log.error("loading failed\n%s", "".join(traceback.format_exception(error)))
            message = f"The model could not be loaded: {type(error).__name__}: {error}"
            self._fail(message)
            raise EngineError(message) from error
        self._model = model
        message, loads = self._running(model.device, model.notice), self._status.loads + 1
        self._change(state="ready", message=message, progress=None, device=model.device, loads=loads)
        _log.info("model loaded on %s in %.1f s", model.device, time.monotonic() - started)

    def drop(self) -> None:
        """Free the weights, if there are any."""
        if self._model is not None:
            self._forget()
            self._change(
                state="paused", message="The weights were dropped while idle; the next request loads them again."
            )
            _log.info("weights dropped")

    def _forget(self) -> None:
        if self._model is not None:
            self._model.close()
            self._model = None

    def lose(self, reason: str) -> None:
        """Forget a model whose device failed; it may be loaded again at once."""
        self._forget()
        self._change(state="paused", message=f"Loading the model again, because {reason}", progress=None)

    def give_up(self, message: str) -> None:
        """Forget a model whose device failed for good."""
        self._forget()
        self._fail(message)

    def _fail(self, message: str) -> None:
        self._failed_s = time.monotonic()
        self._change(state="failed", message=message, progress=None)
        _log.error("%s", message)

    def _report(self, message: str, progress: float | None) -> None:
        """Takes what loading does, and what the loaded model has to tell."""
        if self._model is not None:
            message = self._running(self._model.device, message)
        self._change(message=message, progress=progress)

    def _running(self, device: str, notice: str) -> str:
        checkpoint = self._status.checkpoint
        warning = EMBEDDED_WARNING if checkpoint == EMBEDDED else ""
        return "; ".join(filter(None, (f"{checkpoint} on {device}", notice, warning)))

    def _change(self, **changes: object) -> None:
        status = replace(self._status, **changes)  # pyright: ignore[reportArgumentType] - names are Status' own
        if status != self._status:
            self._status = status
            self._changed()
