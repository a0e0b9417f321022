"""Messages over a pair of byte streams, for an event loop.

One thread of its own waits for input, so that nothing else in the process can keep a message from being read, and a
blocked read keeps nothing from ending.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import BinaryIO

from dgemma_lsp.framing import read_bodies


async def receive(stream: BinaryIO) -> AsyncGenerator[bytes]:
    """The bodies of the messages on `stream`, until it ends, without blocking the event loop."""
    loop = asyncio.get_running_loop()
    bodies: asyncio.Queue[bytes | None] = asyncio.Queue()

    def read() -> None:
        # The loop may be closed before the stream is.
        with suppress(RuntimeError):
            for body in read_bodies(stream):
                loop.call_soon_threadsafe(bodies.put_nowait, body)
            loop.call_soon_threadsafe(bodies.put_nowait, None)

    threading.Thread(target=read, name="input", daemon=True).start()
    while (body := await bodies.get()) is not None:
        yield body


class Output:
    """The writer that pygls sends messages to. Where the other side has gone there is nobody left to tell."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, data: bytes) -> None:
        """Send bytes now."""
        with suppress(OSError, ValueError):
            self._stream.write(data)
            self._stream.flush()

    def close(self) -> None:
        """Stop sending; later writes go nowhere."""
        with suppress(OSError):
            self._stream.close()
