"""The messages of the protocol as they stand on a stream."""

import json
from typing import Any, BinaryIO

Message = dict[str, Any]


def read(source: BinaryIO) -> Message | None:
    """The next message, or None at the end of the stream."""
    length = 0
    while line := source.readline().strip():
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return json.loads(source.read(length)) if length else None


def write(sink: BinaryIO, message: Message) -> None:
    """Puts a message on a stream."""
    body = json.dumps(message).encode()
    sink.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    sink.flush()
