"""The model and whether it is there: loaded when it is needed, dropped when it is not.

Belongs to the model's thread, but for `model_status`, which anyone may read.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from dgemma_lsp.resident.protocol import Model
from dgemma_lsp.wire.messages import HostState
from engine.errors import EngineError

RETRY_S = 30.0
"""A model that could not be loaded is not tried again sooner, so that typing does not load without end."""

Report: TypeAlias = Callable[[str, float | None], None]
"""Takes what loading does now, one line for the user, and how far it is: 0 to 1, or None where that is unknown."""

Loader: TypeAlias = Callable[[Report], Model]
"""Loads the model; may take minutes. Raises `EngineError` where the user can mend what is wrong."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStatus:
    """How the model fares; see `HostStatus`."""

    state: HostState = "starting"
    message: str = ""
    progress: float | None = None
    device: str
    loads: int = 0


class Resident:
    """One model, resident or not.

    device: what was asked for, until the model tells. changed: called after every change of `model_status`.
    """

    def __init__(self, load: Loader, *, device: str, changed: Callable[[], None]) -> None:
        self._load = load
        self._changed = changed
        self._model: Model | None = None
        self._failed_s = 0.0
        self._model_status = ModelStatus(device=device)

    @property
    def model_status(self) -> ModelStatus:
        """How the model fares now."""
        return self._model_status

    @property
    def model(self) -> Model | None:
        """The model, if it is in memory."""
        return self._model

    def load(self) -> None:
        """Load the model.

        Raises:
            EngineError: it cannot be loaded; the message is the status's too.
        """
        if self._model_status.state == "failed" and time.monotonic() - self._failed_s < RETRY_S:
            raise EngineError(self._model_status.message)
        self._change(state="loading", message="Loading the model", progress=None)
        started = time.monotonic()
        try:
            model = self._load(lambda message, progress: self._change(message=message, progress=progress))
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
        loads = self._model_status.loads + 1
        self._change(state="ready", message=model.notice, progress=None, device=model.device, loads=loads)
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

    def _change(self, **changes: object) -> None:
        model_status = replace(self._model_status, **changes)  # pyright: ignore[reportArgumentType] - names are ModelStatus' own
        if model_status != self._model_status:
            self._model_status = model_status
            self._changed()
