"""The host's log file. Source text is never written above DEBUG."""

from __future__ import annotations

import logging
import logging.handlers
import os
import sys
import time
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path

BYTES = 1_000_000
BACKUPS = 2
KEEP_DAYS = 14
"""Logs of hosts that were not started for so long are deleted; every update of the code has a log of its own."""


class HostLog(logging.handlers.RotatingFileHandler):
    """A rotated file for this user only, which stdout and stderr are sent to as well once the starter has been told."""

    _takes_output = False

    def take_output(self) -> None:
        """Let go of the starter's pipe: what is written without logging goes to the file, too, a crash's last words
        say."""
        sys.stdout.flush()
        sys.stderr.flush()
        self._takes_output = True
        _redirect(self.baseFilename)

    def _open(self) -> TextIOWrapper:
        stream = open(self.baseFilename, "a", encoding="utf-8", opener=_open_private)  # noqa: SIM115 - the handler's own
        if self._takes_output:
            _redirect(self.baseFilename)
        return stream


def open_log(path: Path, *, level: int = logging.INFO) -> HostLog:
    """Send this process's log to `path`.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _delete_old(path.parent)
    handler = HostLog(path, maxBytes=BYTES, backupCount=BACKUPS, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # A full disk loses lines of the log, not requests.
    logging.raiseExceptions = False
    # The libraries' own requests and files are no news at INFO.
    for name in ("asyncio", "filelock", "httpx2", "transformers", "uvicorn"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return handler


def _redirect(path: str) -> None:
    """Send this process's stdout and stderr to a file."""
    descriptor = _open_private(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for output in (1, 2):
        os.dup2(descriptor, output)
    os.close(descriptor)


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _delete_old(directory: Path) -> None:
    oldest = time.time() - KEEP_DAYS * 24 * 3600
    for file in directory.glob("host-*.log*"):
        # Another host may have deleted or rotated it meanwhile.
        with suppress(OSError):
            if file.stat().st_mtime < oldest:
                file.unlink()
