"""A front end whose engine takes no time, over standard input and output: `python -m bench.front_end`."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator

from dgemma_lsp.logs import log_to_stderr
from dgemma_lsp.lsp.framing import read_bodies
from dgemma_lsp.lsp.settings import Settings
from dgemma_lsp.server import Server
from dgemma_lsp.wire.messages import Answer, Event, Owner, Priority
from dgemma_lsp.wire.status import Status
from infill.request import Candidate, InfillRequest

SHOWN = "abcdefghijklmnopqrstuvwxyz"
"""What it suggests, always."""


class InstantEngine:
    """An `EngineClient` that offers the same text at once."""

    async def start(self) -> None:
        """Nothing has to be started."""

    async def infill(
        self, request: InfillRequest, *, priority: Priority, owner: Owner | None, drafts: bool = False
    ) -> AsyncGenerator[Event]:
        """Offer the text."""
        candidate = Candidate(
            texts=(SHOWN,),
            score=0.0,
            worst_entropy=0.0,
            worst_line_nll=0.0,
            added_errors=0,
            passes=0,
            stop_reason="settled",
        )
        yield Answer(
            candidates=(candidate,),
            rejection=None,
            passes=0,
            token_positions=0,
            ms={},
            context_tokens=0,
            cached_tokens=0,
            free_tokens=0,
            stop_reason="settled",
        )

    async def status(self) -> Status:
        """Always ready."""
        return Status(state="ready", pid=os.getpid(), version="", checkpoint="", device="")

    async def watch(self) -> AsyncGenerator[Status]:
        """Ready, and no change ever."""
        yield await self.status()

    async def close(self) -> None:
        """Nothing has to be let go."""


if __name__ == "__main__":
    log_to_stderr("info")
    server = Server(lambda options: InstantEngine(), Settings())
    asyncio.run(server.run(read_bodies(sys.stdin.buffer), sys.stdout.buffer))
