"""Which engine a user's options ask for: a host of our own, one that runs already, or the asker's own process."""

from __future__ import annotations

from dgemma_lsp.client.client import EngineClient
from dgemma_lsp.client.launch import FixedEngine, Launcher
from dgemma_lsp.client.remote import HostClient
from dgemma_lsp.host.in_process import InProcessClient
from dgemma_lsp.wire.identity import EngineOptions


def connect(options: EngineOptions, *, engine_url: str | None = None, in_process: bool = False) -> EngineClient:
    """Make the client that a user's options ask for; starts nothing yet.

    engine_url: a host that runs already; None for one of our own.
    """
    if in_process:
        return InProcessClient.loading(options)
    return HostClient(Launcher(options) if engine_url is None else FixedEngine(engine_url))
