"""Messages on a byte stream: headers, a blank line, a body of the length they give."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO


def read_bodies(stream: BinaryIO) -> Iterator[bytes]:
    """The bodies of the messages on `stream`, until it ends. A block of headers that gives no length has no body.

    Takes nothing from the stream beyond the body it yields.
    """
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


def frame(body: bytes) -> bytes:
    """A message with this body."""
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
