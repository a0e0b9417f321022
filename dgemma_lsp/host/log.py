"""The host's log file. Source text is never written above DEBUG."""

from __future__ import annotations

import logging
import logging.handlers
import os
import sys
import time
from pathlib import Path

BYTES = 1_000_000
BACKUPS = 2
KEEP_DAYS = 14
"""Logs of hosts that were not started for so long are deleted; every update of the code has a log of its own."""


def open_log(path: Path, *, level: int = logging.INFO) -> int:
    """Send this process's log to `path`, rotated. Returns a descriptor of the file, for what writes without logging.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _delete_old(path.parent)
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=BYTES, backupCount=BACKUPS, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # A full disk loses lines of the log, not requests.
    logging.raiseExceptions = False
    # The libraries' own requests and files are no news at INFO.
    for name in ("asyncio", "filelock", "httpx2", "transformers", "uvicorn"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def detach(descriptor: int) -> None:
    """Let go of the starter's pipe: what is still written to stdout and stderr goes to the log."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)


def _delete_old(directory: Path) -> None:
    oldest = time.time() - KEEP_DAYS * 24 * 3600
    for file in directory.glob("host-*.log*"):
        if file.stat().st_mtime < oldest:
            file.unlink(missing_ok=True)
