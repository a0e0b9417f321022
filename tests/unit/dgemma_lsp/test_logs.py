"""What an event loop reports, and what it does not."""

from __future__ import annotations

import asyncio

import pytest

from dgemma_lsp.logs import report_in_loop


def fail() -> None:
    raise asyncio.InvalidStateError("a fault of our own")


async def test_a_socket_that_is_ready_as_its_reader_is_cancelled_is_no_news(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(report_in_loop)
    waiting: asyncio.Future[None] = loop.create_future()
    loop.call_soon(waiting.set_result, None)
    waiting.cancel()
    await asyncio.sleep(0)
    assert caplog.records == []
    loop.call_soon(fail)
    await asyncio.sleep(0)
    [record] = caplog.records
    assert record.getMessage().startswith("Exception in callback fail()")
