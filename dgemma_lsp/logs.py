"""Where log lines go: to the editor's own log while one is served, else to stderr; never to both or to stdout.

An editor shows `window/logMessage` at its level; Neovim and VS Code take every line of stderr for an error. So stderr
is left to what comes before the editor, to other commands, and to Python itself where the process breaks down.

Only our own packages speak below WARNING, and never of source text above DEBUG; pygls, which writes whole messages to
its log, is silent: what is worth telling of it, the server reports itself.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import Any

from lsprotocol import types

PACKAGES = ("dgemma_lsp", "engine", "infill")

MESSAGE_TYPES = {
    logging.INFO: types.MessageType.Info,
    logging.WARNING: types.MessageType.Warning,
    logging.ERROR: types.MessageType.Error,
    logging.CRITICAL: types.MessageType.Error,
}


def log_to_stderr(level: str) -> None:
    """Send log lines to stderr; `level` is that of our own packages."""
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        force=True,
    )
    set_level(level)


def set_level(level: str) -> None:
    """Change the level of our own packages: critical, error, warning, info or debug."""
    for package in PACKAGES:
        logging.getLogger(package).setLevel(level.upper())


@contextmanager
def log_to_client(send: Callable[[types.LogMessageParams], None]) -> Generator[None]:
    """In a `with` block of the event loop, send log lines to the editor in place of stderr."""
    root = logging.getLogger()
    elsewhere = [handler for handler in root.handlers if getattr(handler, "stream", None) is sys.stderr]
    client = ClientLog(asyncio.get_running_loop(), send)
    for handler in elsewhere:
        root.removeHandler(handler)
    root.addHandler(client)
    try:
        yield
    finally:
        root.removeHandler(client)
        for handler in elsewhere:
            root.addHandler(handler)


def report_in_loop(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Report what has gone wrong in an event loop, but for one fault of anyio's that loses nothing: it tells a future
    that a socket can be read, though whoever waited has been cancelled in the same turn."""
    late = isinstance(context.get("exception"), asyncio.InvalidStateError) and "Future.set_result" in context["message"]
    if not late:
        loop.default_exception_handler(context)


def silence_pygls() -> None:
    """Keep pygls from logging, as it would, every message it sends and those it cannot read."""
    logging.getLogger("pygls").setLevel(logging.CRITICAL + 1)


class ClientLog(logging.Handler):
    """Log lines as `window/logMessage`. Lines of other threads are handed to the event loop's, which owns stdout."""

    def __init__(self, loop: asyncio.AbstractEventLoop, send: Callable[[types.LogMessageParams], None]) -> None:
        super().__init__()
        self._loop = loop
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        """Send one line."""
        kind = MESSAGE_TYPES.get(record.levelno, types.MessageType.Log)
        params = types.LogMessageParams(type=kind, message=self.format(record))
        # A turn later than it could be, so that the answer which a line tells of goes first.
        # A thread may outlive the loop.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._loop.call_soon, self._send, params)
