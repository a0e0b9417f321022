"""Where hosts keep their sockets, locks and logs: directories of this user that nobody else may enter."""

from __future__ import annotations

import os
import stat
import warnings
from pathlib import Path

import platformdirs

from dgemma_lsp.wire.errors import EngineUnavailable

_NAME = "dgemma-lsp"

# Without XDG_RUNTIME_DIR another private directory serves as well, which is nothing to tell a user about.
warnings.filterwarnings("ignore", category=platformdirs.RuntimeDirWarning)


def runtime_directory() -> Path:
    """The directory of sockets and locks, made if need be.

    Raises:
        EngineUnavailable: it cannot be made or written, or is another user's.
    """
    try:
        return _private(platformdirs.user_runtime_path(_NAME, appauthor=False))
    except OSError as error:
        # The library's own errors name no file, but have a message.
        name, reason = (f" {error.filename}", error.strerror) if error.filename else ("", error)
        problem = f"The runtime directory{name} cannot be used: {reason}."
        raise EngineUnavailable(f"{problem} Set XDG_RUNTIME_DIR to one that can.") from error


def log_path(key: str) -> Path:
    """The log of the host with this key; its directory may not exist yet."""
    return platformdirs.user_log_path(_NAME, appauthor=False) / f"host-{key}.log"


def _private(directory: Path) -> Path:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if hasattr(os, "getuid"):
        status = directory.stat()
        if status.st_uid != os.getuid():
            raise PermissionError(0, "it belongs to another user", str(directory))
        if stat.S_IMODE(status.st_mode) & 0o077:
            directory.chmod(0o700)
    if not os.access(directory, os.W_OK | os.X_OK):
        raise PermissionError(0, "it is not writable", str(directory))
    return directory
