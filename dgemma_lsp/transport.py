"""Messages over a pair of byte streams: headers, a blank line, a body of the length they give.

One thread of its own waits for input, so that nothing else in the process can keep a message from being read, and a
blocked read keeps nothing from ending.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import suppress
from typing import BinaryIO


def read_bodies(stream: BinaryIO) -> Iterator[bytes]:
    """The bodies of the messages on `stream`, until it ends. A block of headers that gives no length has no body."""
    length = None
    while line := stream.readline():
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            length = int(value)
        elif not line.strip() and length is not None:
            body = stream.read(length)
            if len(body) < length:
                return
            yield body
            length = None


async def receive(stream: BinaryIO) -> AsyncGenerator[bytes]:
    """The same, without blocking the event loop."""
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
