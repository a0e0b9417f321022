"""Finding the host of some options, and starting it where there is none.

Any number of front ends may start one at once: the hosts settle it among themselves under a file lock, which the kernel
takes back from the dead, so nothing that is left over ever blocks a start.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from dgemma_lsp.checkpoints.resolve import resolve
from dgemma_lsp.resident.threads import ENVIRONMENT
from dgemma_lsp.wire import endpoint
from dgemma_lsp.wire.codec import encode_fields
from dgemma_lsp.wire.directories import log_path, runtime_directory
from dgemma_lsp.wire.endpoint import Endpoint
from dgemma_lsp.wire.errors import EngineUnavailable
from dgemma_lsp.wire.identity import ROOT, EngineOptions, key

READY = "ready"
"""The last thing a host says to its starter, once it listens."""

TAKEN = "taken"
"""What it says instead if another host has its key."""

START_TIMEOUT_S = 30.0
"""A host that does not listen by then is ended; loading the model is not part of it."""

POLL_S = 0.2
CONNECT_TIMEOUT_S = 5.0

HOST_COMMAND = (sys.executable, "-m", "dgemma_lsp.host")


@dataclass(frozen=True)
class Launcher:
    """Finds and starts the host for some options. command: what runs it, without its arguments.

    Every method may raise `EngineError`: the checkpoint is not on this machine, or the runtime directory unusable.
    """

    options: EngineOptions
    command: tuple[str, ...] = HOST_COMMAND

    @cached_property
    def key(self) -> str:
        """The host's key."""
        return key(resolve(self.options.checkpoint).directory, self.options)

    @property
    def log(self) -> Path:
        """The host's log, whether it exists or not."""
        return log_path(self.key)

    def find(self) -> Endpoint | None:
        """Where the host listens, if one does."""
        address = endpoint.find(runtime_directory(), self.key)
        return address if address is not None and answers(address) else None

    def start(self) -> Endpoint:
        """Where the host listens, started first if none does. Takes seconds then.

        Raises:
            EngineUnavailable: it does not start; the message says why and where its log is.
        """
        deadline = time.monotonic() + START_TIMEOUT_S
        while (address := self.find()) is None:
            last_words = self._spawn()
            if last_words not in (READY, TAKEN):
                raise EngineUnavailable(f"The engine could not be started: {last_words} (log: {self.log})")
            if time.monotonic() > deadline:
                raise EngineUnavailable(f"An engine runs but does not answer (log: {self.log})")
            if last_words == TAKEN:
                # Another host has the lock and will listen in a moment, or is dying and will let go of it.
                time.sleep(POLL_S)
        return address

    def _spawn(self) -> str:
        """Start a process and return the last line it says before it lets go of its pipe or ends."""
        # The checkpoint's found name, because the host runs in another directory.
        options = encode_fields(self.options) | {"checkpoint": resolve(self.options.checkpoint).name}
        try:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [*self.command, self.key, json.dumps(options)],
                # `-m` looks here first, so nothing in the user's directory can take a module's place.
                cwd=ROOT,
                env=ENVIRONMENT | os.environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            return f"{error.strerror}: {error.filename}"
        timer = threading.Timer(START_TIMEOUT_S, process.kill)
        timer.start()
        lines = _read_to_end(process).splitlines()
        timer.cancel()
        if not lines:
            return f"it ended without a word, status {process.wait()}"
        # Its end is awaited, or a host that died would stay a zombie as long as this process lives.
        threading.Thread(target=process.wait, name="host-reaper", daemon=True).start()
        return lines[-1]


@dataclass(frozen=True)
class FixedEngine:
    """A host that somebody else runs, at a URL."""

    url: str

    def find(self) -> Endpoint | None:
        """Where it listens, if it does."""
        address = Endpoint(url=self.url)
        return address if answers(address) else None

    def start(self) -> Endpoint:
        """Where it listens.

        Raises:
            EngineUnavailable: it does not.
        """
        address = self.find()
        if address is None:
            raise EngineUnavailable(f"No engine answers at {self.url}")
        return address


def _read_to_end(process: subprocess.Popen[bytes]) -> str:
    """What a process writes until it closes its stdout or ends."""
    if process.stdout is None:
        raise ValueError("the process was started without a pipe")
    with process.stdout as pipe:
        return pipe.read().decode(errors="replace")


def answers(address: Endpoint) -> bool:
    """Whether anything listens there."""
    try:
        if address.path is not None:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(CONNECT_TIMEOUT_S)
                connection.connect(str(address.path))
        else:
            parts = urlsplit(address.url)
            port = parts.port or (443 if parts.scheme == "https" else 80)
            socket.create_connection((parts.hostname or "", port), timeout=CONNECT_TIMEOUT_S).close()
    except OSError:
        return False
    return True
