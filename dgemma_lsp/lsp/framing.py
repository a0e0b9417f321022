"""Messages on a byte stream: headers, a blank line, a body of the length they give.

A length that is wrong costs the message it belongs to, at worst the next one as well: no line of a JSON text ends like
a header, so the next header is found wherever it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

BODY_LIMIT = 1 << 28
"""Bytes of a body at most. No editor gives a language server a text of this size (VS Code stops at 50 MB), so a larger
length is a mistake, and to wait for so many bytes would be to hear nothing else."""

LINE_LIMIT = 1 << 20
"""Bytes held at most of a line between messages, which may never end."""

UNREADABLE = b""
"""Stands for bytes that belong to no message."""

LENGTH = re.compile(rb"content-length[ \t]*:([^\r\n]*)\r?\n\Z", re.IGNORECASE)
HEADER = re.compile(rb"[!#-'*+.^_`|~0-9a-z-]+[ \t]*:", re.IGNORECASE)
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class InputError(Exception):
    """The input can be read no further; the message says why."""


def read_bodies(stream: BinaryIO) -> Iterator[bytes]:
    """The bodies of the messages on `stream`, until it ends, and `UNREADABLE` for what stands between them. A block of
    headers without a length has no body.

    Raises:
        InputError: reading fails.
    """
    try:
        yield from _bodies(stream)
    except (OSError, ValueError, MemoryError) as error:
        raise InputError(f"cannot read from the editor: {error or type(error).__name__}") from error


def frame(body: bytes) -> bytes:
    """A message with this body."""
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def _bodies(stream: BinaryIO) -> Iterator[bytes]:
    length: int | None = None
    lost = False
    while line := stream.readline(LINE_LIMIT):
        if header := LENGTH.search(line):
            length = _length(header[1])
            sound = length is not None and line[: header.start()] in (b"", BYTE_ORDER_MARK)
        else:
            sound = not line.strip() or HEADER.match(line) is not None
        if not sound and not lost:
            yield UNREADABLE
        lost = lost or not sound
        if line.strip() or length is None:
            continue
        body, rest = _read_body(stream, length)
        if len(body) < length and rest is None:
            return
        yield body
        length, lost = None if rest is None else _length(rest), False


def _read_body(stream: BinaryIO, length: int) -> tuple[bytes, bytes | None]:
    """A body, shorter where the stream ends. Where the next message's header stands in it: what is before it, and the
    length that it gives."""
    body = bytearray()
    while len(body) < length and (line := stream.readline(length - len(body))):
        if header := line.endswith(b"\n") and LENGTH.search(line):
            return bytes(body + line[: header.start()]), header[1]
        body += line
    return bytes(body), None


def _length(value: bytes) -> int | None:
    """The length a header gives; None where nobody can go by it."""
    digits = value.strip()
    # As many digits as the limit has: Python refuses to read thousands of them.
    if not digits.isdigit() or len(digits) > len(str(BODY_LIMIT)) or int(digits) > BODY_LIMIT:
        return None
    return int(digits)
