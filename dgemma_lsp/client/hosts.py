"""All hosts of this user, whatever their keys: found by their sockets, ended, and waited for."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from dgemma_lsp.client.launch import answers
from dgemma_lsp.client.remote import HostClient
from dgemma_lsp.resident.resident import Loader, Model, Report
from dgemma_lsp.wire import endpoint
from dgemma_lsp.wire.directories import log_path, runtime_directory
from dgemma_lsp.wire.endpoint import Endpoint
from dgemma_lsp.wire.errors import EngineUnavailable

END_TIMEOUT_S = 20.0
"""A host that was asked to end has done so by then, whatever its model does."""

POLL_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningHost:
    """A host that listens. Starts none, for `HostClient`."""

    key: str
    address: Endpoint

    @property
    def log(self) -> Path:
        """Its log."""
        return log_path(self.key)

    @property
    def process(self) -> int | None:
        """Its process, None where the system does not tell."""
        return endpoint.process_of(self.address)

    def find(self) -> Endpoint | None:
        """Where it listens, if it still does."""
        return self.address if answers(self.address) else None

    def start(self) -> Endpoint:
        """Where it listens.

        Raises:
            EngineUnavailable: it has ended.
        """
        if (address := self.find()) is None:
            raise EngineUnavailable("The engine has ended.")
        return address


def running() -> list[RunningHost]:
    """The hosts that listen.

    Raises:
        EngineUnavailable: the runtime directory is not usable.
    """
    known = endpoint.find_all(runtime_directory())
    return [RunningHost(key=key, address=address) for key, address in known.items() if answers(address)]


def has_ended(process: int, timeout_s: float = END_TIMEOUT_S) -> bool:
    """Whether a process ends within so many seconds."""
    if hasattr(os, "pidfd_open"):
        try:
            descriptor = os.pidfd_open(process)
        except ProcessLookupError:
            return True
        try:
            return bool(select.select([descriptor], [], [], timeout_s)[0])
        finally:
            os.close(descriptor)
    deadline = time.monotonic() + timeout_s
    while _runs(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def kill(process: int) -> None:
    """End a process at once, if it runs."""
    if _runs(process):
        os.kill(process, signal.SIGKILL)


def after_unused_hosts(load: Loader, key: str) -> Loader:
    """The same loader, which first ends the hosts with other keys that nobody uses: what they hold of a GPU's memory
    would make this model look too large. They are left over from another version, checkpoint or setting."""

    def load_after(report: Report) -> Model:
        for host in running():
            if host.key != key:
                report("Waiting for an unused engine to end", None)
                _end_unused(host)
        return load(report)

    return load_after


def _end_unused(host: RunningHost) -> None:
    process = host.process
    try:
        ends = asyncio.run(_asked_to_end(host))
    except EngineUnavailable:
        # It hangs, or has ended already. The plan is made with what memory is free.
        return
    if ends and process is not None:
        has_ended(process)


async def _asked_to_end(host: RunningHost) -> bool:
    client = HostClient(host)
    try:
        return await client.end_if_unused()
    finally:
        await client.close()


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
