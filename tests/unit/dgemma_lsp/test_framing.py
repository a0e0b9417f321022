"""Messages on a stream, and what is not one."""

from __future__ import annotations

import io

import pytest

from dgemma_lsp.lsp.framing import BODY_LIMIT, UNREADABLE, InputError, frame, read_bodies

ONE, TWO = b'{"id": 1}', b'{"id": 2}'


def stated(length: object, body: bytes = ONE) -> bytes:
    return f"Content-Length: {length}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    ("stream", "bodies"),
    [
        (b"", []),
        (b"Content-Length: 2\r\n\r\n{}Content-Length: 4\r\n\r\nnull", [b"{}", b"null"]),
        (b"content-type: x\r\ncontent-length:2\r\n\r\n{}", [b"{}"]),
        (b"Content-Length: 2\n\n{}", [b"{}"]),
        (b"X: 1\r\n\r\nContent-Length: 2\r\n\r\n{}", [b"{}"]),
        (b"Content-Length: 9\r\nContent-Length: 2\r\n\r\n{}", [b"{}"]),
        (b"\xef\xbb\xbfContent-Length: 2\r\n\r\n{}", [b"{}"]),
        (b"\r\n\r\nContent-Length: 2\r\n\r\n{}", [b"{}"]),
        (b"X: " + b"1" * 1_000_000 + b"\r\nContent-Length: 2\r\n\r\n{}", [b"{}"]),
        (b"Content-Length: 0\r\n\r\nContent-Length: 2\r\n\r\n{}", [b"", b"{}"]),
        (b"Content-Length: 20\r\n\r\n{}", []),
        (b"Content-Length: 2\r\n", []),
    ],
)
def test_read_bodies(stream: bytes, bodies: list[bytes]) -> None:
    assert list(read_bodies(io.BytesIO(stream))) == bodies


@pytest.mark.parametrize(
    ("stream", "bodies"),
    [
        pytest.param(stated("two"), [UNREADABLE], id="no number"),
        pytest.param(stated(-9), [UNREADABLE], id="negative"),
        pytest.param(stated("9.0"), [UNREADABLE], id="a fraction"),
        pytest.param(stated("\u0663"), [UNREADABLE], id="digits of another script"),
        pytest.param(stated(BODY_LIMIT + 1), [UNREADABLE], id="above the limit"),
        pytest.param(stated(10_000_000_000_000), [UNREADABLE], id="more than there is memory"),
        pytest.param(stated(10**20), [UNREADABLE], id="more than a machine's word"),
        pytest.param(stated("1" * 5_000), [UNREADABLE], id="more digits than Python reads"),
        pytest.param(stated(len(ONE) - 5), [ONE[:-5], UNREADABLE], id="5 too short"),
        pytest.param(stated(len(ONE) + 100), [ONE], id="much too long"),
        pytest.param(stated(BODY_LIMIT), [ONE], id="as long as may be"),
        pytest.param(ONE, [UNREADABLE], id="no header"),
        pytest.param("Inhalt-Länge: 9\n\n".encode() + ONE, [UNREADABLE], id="another header"),
        pytest.param(frame(ONE).decode().encode("utf-16"), [UNREADABLE], id="UTF-16"),
        pytest.param(b"\n" * 9 + b"\xff" * 3_000_000, [UNREADABLE], id="noise"),
    ],
)
def test_the_next_message_is_read_whatever_was_wrong_before_it(stream: bytes, bodies: list[bytes]) -> None:
    assert list(read_bodies(io.BytesIO(stream + frame(TWO) + frame(ONE)))) == [*bodies, TWO, ONE]


def test_a_length_that_is_little_too_long_costs_two_messages() -> None:
    stream = stated(len(ONE) + 5) + frame(TWO) + frame(ONE)
    assert list(read_bodies(io.BytesIO(stream))) == [ONE + b"Conte", UNREADABLE, ONE]


@pytest.mark.parametrize("failure", [OSError("no device"), MemoryError()])
def test_a_stream_that_fails_says_so(failure: Exception) -> None:
    class Broken(io.BytesIO):
        def readline(self, size: int | None = -1) -> bytes:
            raise failure

    with pytest.raises(InputError, match=f"cannot read from the editor: {failure or 'MemoryError'}"):
        list(read_bodies(Broken()))
