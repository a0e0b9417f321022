"""Driving fake hosts: their script directory, and clients that start them."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from dgemma_lsp.client.launch import Launcher
from dgemma_lsp.client.remote import HostClient
from dgemma_lsp.wire.errors import EngineUnavailable
from dgemma_lsp.wire.identity import EngineOptions
from dgemma_lsp.wire.messages import Event, Owner, Priority
from dgemma_lsp.wire.status import State, Status
from infill.request import InfillRequest, Span

TIMEOUT_S = 120.0
"""Bounds a test that would hang; nothing is asserted about time."""

STEPS = 3
"""Forwards of a request that names no number of them."""

FAKE_HOST = (sys.executable, "-m", "tests.e2e.fake_host")


@dataclass(frozen=True)
class Script:
    """The directory that tells fake hosts what to do, and in which they write what they did."""

    directory: Path

    def set(self, name: str) -> None:
        (self.directory / name).touch()

    def hold(self, name: str) -> None:
        self.set(f"hold-{name}")

    def release(self, name: str) -> None:
        (self.directory / f"hold-{name}").unlink()

    def lines(self, name: str) -> list[str]:
        path = self.directory / name
        return path.read_text().splitlines() if path.exists() else []

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                if condition():
                    return
                await asyncio.sleep(0.01)


@dataclass
class Desk:
    """What a test needs: a script and clients for a fake host."""

    script: Script
    options: EngineOptions
    clients: list[HostClient] = field(default_factory=list[HostClient])

    def client(self, options: EngineOptions | None = None, *, command: tuple[str, ...] = FAKE_HOST) -> HostClient:
        self.clients.append(HostClient(Launcher(options or self.options, command)))
        return self.clients[-1]


def request(name: str, *, steps: int = 3, text: str = "x = 1\n") -> InfillRequest:
    """A request that the fake answers with `name` after so many steps."""
    return InfillRequest(text=text, holes=(Span(start=0, end=0),), path=name, seed=steps)


def owner(client: str = "window", kind: str = "inline") -> Owner:
    return Owner(client=client, document="file:///a.py", kind=kind)


async def ask(
    client: HostClient,
    name: str,
    *,
    steps: int = 3,
    text: str = "x = 1\n",
    priority: Priority = "inline",
    owner: Owner | None = None,
    drafts: bool = False,
) -> list[Event]:
    """All events of one request."""
    async with asyncio.timeout(TIMEOUT_S):
        infill = client.infill(request(name, steps=steps, text=text), priority=priority, owner=owner, drafts=drafts)
        async with contextlib.aclosing(infill) as events:
            return [event async for event in events]


async def until(client: HostClient, reached: Callable[[Status], bool]) -> Status:
    """The first status that is as wanted, of a host that may have yet to start."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            with contextlib.suppress(EngineUnavailable):
                status = await client.status()
                if reached(status):
                    return status
            await asyncio.sleep(0.01)


async def follow(statuses: AsyncIterator[Status], state: State) -> Status:
    """Read a watch on until `state` is told."""
    async with asyncio.timeout(TIMEOUT_S):
        while (status := await anext(statuses)).state != state:
            pass
        return status
