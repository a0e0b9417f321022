"""Where a host listens and how it is found: a Unix socket of its key's name, else a loopback port and a token.

Only the process that holds a key's lock may listen under it, so what it finds there is left over and may go.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path
from struct import Struct

from dgemma_lsp.wire.errors import EngineUnavailable

UNIX = hasattr(socket, "AF_UNIX")
"""Whether this system's Python has Unix sockets."""

_CREDENTIALS = Struct("3i")  # Process, user and group.

PATH_LIMIT = 100
"""Bytes of a socket's path that every system takes (Linux 107, macOS 103)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An address to ask. path: of the Unix socket, if it is one. token: what every request must bring along."""

    url: str
    path: Path | None = None
    token: str | None = None


def find(directory: Path, key: str) -> Endpoint | None:
    """Where the host with this key listens, or did when it died; None where it never has."""
    if UNIX:
        path = _socket_path(directory, key)
        return Endpoint(url="http://host", path=path) if path.exists() else None
    try:
        address = json.loads(_address_path(directory, key).read_text(encoding="utf-8"))
        return Endpoint(url=f"http://127.0.0.1:{int(address['port'])}", token=str(address["token"]))
    except (OSError, ValueError, KeyError, TypeError):
        # A file that is missing, or was cut short when its writer died, names no host.
        return None


def find_all(directory: Path) -> dict[str, Endpoint]:
    """Where hosts listen, or did when they died, by key."""
    keys = (path.stem for path in sorted(directory.glob("*.sock" if UNIX else "*.json")))
    return {key: address for key in keys if (address := find(directory, key)) is not None}


def listen(directory: Path, key: str) -> tuple[socket.socket, Endpoint]:
    """Listen under a key, whose lock the caller holds.

    Raises:
        EngineUnavailable: the directory's path is too long for a socket.
        OSError: the socket or address file cannot be made.
    """
    return _listen_unix(_socket_path(directory, key)) if UNIX else _listen_loopback(_address_path(directory, key))


def process_of(address: Endpoint) -> int | None:
    """Which process listens there; None where the system does not tell, or nobody does."""
    if address.path is None or not hasattr(socket, "SO_PEERCRED"):
        return None
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.connect(str(address.path))
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    except OSError:
        return None
    return _CREDENTIALS.unpack(credentials)[0]


def forget(directory: Path, key: str) -> None:
    """Take away what `listen` left in the directory."""
    _socket_path(directory, key).unlink(missing_ok=True)
    _address_path(directory, key).unlink(missing_ok=True)


def _listen_unix(path: Path) -> tuple[socket.socket, Endpoint]:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # The socket is made closed to others; a chmod afterwards would leave a moment in which it is open.
    mask = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(mask)
    listener.listen(socket.SOMAXCONN)
    return listener, Endpoint(url="http://host", path=path)


def _listen_loopback(path: Path) -> tuple[socket.socket, Endpoint]:
    listener = socket.create_server(("127.0.0.1", 0), backlog=socket.SOMAXCONN)
    port, token = listener.getsockname()[1], secrets.token_urlsafe(32)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        json.dump({"port": port, "token": token}, file)
    draft.replace(path)
    return listener, Endpoint(url=f"http://127.0.0.1:{port}", token=token)


def _socket_path(directory: Path, key: str) -> Path:
    path = directory / f"{key}.sock"
    length = len(os.fsencode(path))
    if length > PATH_LIMIT:
        problem = f"The socket path {path} has {length} bytes, more than {PATH_LIMIT}."
        raise EngineUnavailable(f"{problem} Set XDG_RUNTIME_DIR to a shorter directory.")
    return path


def _address_path(directory: Path, key: str) -> Path:
    return directory / f"{key}.json"
