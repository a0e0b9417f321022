"""Messages over a pair of byte streams, for an event loop.

One thread of its own waits for input, so that nothing else in the process can keep a message from being read, and a
blocked read keeps nothing from ending.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import suppress
from typing import BinaryIO

from dgemma_lsp.lsp.framing import InputError


async def receive(bodies: Iterator[bytes]) -> AsyncGenerator[bytes]:
    """The bodies of messages, which are waited for as they are read, without blocking the event loop.

    Raises:
        InputError: they can be read no further.
    """
    loop = asyncio.get_running_loop()
    received: asyncio.Queue[bytes | InputError | None] = asyncio.Queue()

    def read() -> None:
        end = None
        # The loop may be closed before the stream is.
        with suppress(RuntimeError):
            try:
                for body in bodies:
                    loop.call_soon_threadsafe(received.put_nowait, body)
            except InputError as error:
                end = error
            loop.call_soon_threadsafe(received.put_nowait, end)

    threading.Thread(target=read, name="input", daemon=True).start()
    while (body := await received.get()) is not None:
        if isinstance(body, InputError):
            raise body
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
