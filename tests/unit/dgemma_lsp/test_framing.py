"""Messages on a stream, and what is not one."""

from __future__ import annotations

import io

import pytest

from dgemma_lsp.framing import read_bodies


@pytest.mark.parametrize(
    ("stream", "bodies"),
    [
        (b"", []),
        (b"Content-Length: 2\r\n\r\n{}Content-Length: 4\r\n\r\nnull", [b"{}", b"null"]),
        (b"content-type: x\r\ncontent-length:2\r\n\r\n{}", [b"{}"]),
        (b"Content-Length: 2\n\n{}", [b"{}"]),
        (b"X: 1\r\n\r\nContent-Length: 2\r\n\r\n{}", [b"{}"]),
        (b"Content-Length: two\r\n\r\nContent-Length: 2\r\n\r\n{}", [b"{}"]),
        (b"Content-Length: 0\r\n\r\nContent-Length: 2\r\n\r\n{}", [b"", b"{}"]),
        (b"Content-Length: 20\r\n\r\n{}", []),
        (b"Content-Length: 2\r\n", []),
    ],
)
def test_read_bodies(stream: bytes, bodies: list[bytes]) -> None:
    assert list(read_bodies(io.BytesIO(stream))) == bodies
