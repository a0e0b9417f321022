"""Five thousand messages that no editor should send, and the one that one would."""

from __future__ import annotations

import logging
import os
from collections import Counter

import pytest

from tests.protocol.fuzz import messages
from tests.protocol.scripted import offers
from tests.protocol.wire_client import connected

SEED = 17
COUNT = 5_000
BATCH = 50


async def test_no_message_ends_the_server_or_makes_it_deaf(caplog: pytest.LogCaptureFixture) -> None:
    async with connected(offers("x")) as client:
        await client.initialize()
        expected: list[str | int] = []
        for number, (sent, request_id) in enumerate(messages(SEED, COUNT)):
            os.write(client._output, sent)  # pyright: ignore[reportPrivateUsage]
            if request_id is not None:
                expected.append(request_id)
            if number % BATCH == 0:
                assert "result" in await client.request("dgemma/status")
        client.notify("workspace/didChangeConfiguration", {"settings": {}})
        client.open("a", uri="file:///w/fresh.py")
        answer = await client.complete(0, 1, invoked=True, uri="file:///w/fresh.py")
        assert [item["insertText"] for item in answer["result"]["items"]] == ["x"]
        while Counter(expected) - Counter(stray["id"] for stray in client.strays):
            # Requests that wait for the engine have no order among those that do not.
            await client.request("dgemma/status")
        answered = Counter(stray["id"] for stray in client.strays)
        assert {request_id: answered[request_id] for request_id in expected} == dict.fromkeys(expected, 1)
    assert len(expected) > COUNT / 3
    assert [record.getMessage() for record in caplog.records if record.levelno > logging.WARNING] == []
    assert "Traceback" not in caplog.text
