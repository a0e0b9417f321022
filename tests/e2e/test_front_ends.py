"""Real front ends and real hosts: shared, superseded, killed, and nothing given away."""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import psutil
import pytest

from dgemma_lsp.client.launch import FixedEngine
from dgemma_lsp.client.remote import HostClient
from dgemma_lsp.wire.directories import log_path, runtime_directory
from dgemma_lsp.wire.endpoint import Endpoint
from dgemma_lsp.wire.errors import EngineUnavailable
from tests.e2e.front_end import TIMEOUT_S, FrontEnd, Json, front_end
from tests.e2e.hosts import STEPS, Desk, until

TEXT = "def zebra(stripes):\n    total = \n    return total\n"


class OnlyHost(FixedEngine):
    """The one host in this test's runtime directory, whatever its key; the front ends start it."""

    def find(self) -> Endpoint | None:
        return next((Endpoint(url=self.url, path=path) for path in runtime_directory().glob("*.sock")), None)


@pytest.fixture(name="host")
async def _host(desk: Desk) -> AsyncIterator[HostClient]:
    """A client that only looks at the host which the front ends start; ends it afterwards."""
    client = HostClient(OnlyHost("http://host"))
    yield client
    try:
        process = psutil.Process((await client.status()).pid)
    except EngineUnavailable:
        return
    finally:
        await client.close()
    process.kill()
    await asyncio.to_thread(process.wait, TIMEOUT_S)


def fake_front_end(desk: Desk) -> AbstractAsyncContextManager[FrontEnd]:
    """A front end whose host's model is scripted, and ends with the editor."""
    return front_end(TEXT, "--checkpoint", desk.options.checkpoint, module="tests.e2e.fake_front_end")


async def test_two_front_ends_share_one_model_and_give_nothing_away(host: HostClient) -> None:
    async with front_end(TEXT) as one, front_end(TEXT) as other:
        answers = await asyncio.gather(one.complete(1, 12), other.complete(1, 12))
        for answer in answers:
            assert "items" in answer["result"]
        status = await host.status()
        assert (status.loads, status.clients, status.requests, status.failed) == (1, 2, 2, 0)
        assert status.checkpoint == "nano"
        for pid in (one.pid, other.pid, status.pid):
            assert psutil.Process(pid).net_connections(kind="inet") == []
    [host_log] = log_path("").parent.glob("host-*.log")
    for log in (host_log.read_text(), "\n".join(one.log), "\n".join(other.log)):
        assert "passes" in log
        assert "stripes" not in log
    assert one.stderr == other.stderr == b""
    await until(host, lambda status: status.clients == 0)


async def test_a_thousand_keys_leave_no_line_above_news_in_any_log(desk: Desk) -> None:
    chance = random.Random(17)
    async with fake_front_end(desk) as editor:
        await editor.complete(1, 12)
        answers: list[asyncio.Future[Json]] = []
        for typed in range(1_000):
            editor.insert(1, 12 + typed, "x")
            answers.append(editor.complete(1, 13 + typed, invoked=False))
            # From no time at all to what a step takes: cancelled before it is sent, while it runs, once it is answered.
            await asyncio.sleep(chance.choice([0, 0, 0.001, 0.01]))
            if chance.random() < 0.3:
                editor.cancel_last()
        assert {answer.get("error", {}).get("code") for answer in await asyncio.gather(*answers)} <= {None, -32800}
        assert (await editor.complete(1, 12))["result"]["items"]
    host_logs = [log.read_text() for log in log_path("").parent.glob("host-*.log*")]
    assert host_logs
    for log in host_logs:
        assert not re.search("WARNING|ERROR|CRITICAL|Traceback", log)
    assert editor.levels == {3}
    assert editor.stderr == b""


async def test_of_200_requests_each_after_an_edit_one_is_answered(desk: Desk) -> None:
    async with fake_front_end(desk) as editor:
        await editor.complete(1, 12)
        desk.script.hold("step")
        running = editor.complete(1, 12)
        await desk.script.until(lambda: len(desk.script.lines("ran")) == STEPS + 1)
        answers = [running]
        for typed in range(200):
            editor.insert(1, 12 + typed, "x")
            answers.append(editor.complete(1, 13 + typed, invoked=False))
        assert [(await answer).get("error", {}).get("code") for answer in answers[:-1]] == [-32800] * 200
        desk.script.release("step")
        assert (await answers[-1])["result"]["items"]
        status = await desk.client().status()
        assert status.steps_after_cancel_max <= 1
        assert status.failed == 0


async def test_a_selection_longer_than_a_canvas_is_rewritten_in_several(host: HostClient) -> None:
    functions = [f"def zebra_{n}(stripes):\n    total = stripes + {n}\n    return total\n\n\n" for n in range(14)]
    async with front_end("".join(functions)) as editor:
        result = (await editor.rewrite(0, 70, partialResultToken="frames"))["result"]
        [candidate] = result["candidates"]
        assert all(
            0 <= hunk["range"]["start"]["line"] <= hunk["range"]["end"]["line"] < 70 for hunk in candidate["hunks"]
        )
        certain = ["".join(text for text, entropy in frame["value"] if not entropy) for frame in editor.progress]
        # First the rest stands as it is; at last all but the last part is done.
        assert functions[-1] in certain[0]
        assert functions[-1] not in certain[-1]
        assert len(set(certain)) > 1
        assert result["stats"]["notice"]
    assert (await host.status()).requests == 1


async def test_a_rewrite_that_is_cancelled_frees_the_host_within_a_step(desk: Desk) -> None:
    async with fake_front_end(desk) as editor:
        await editor.complete(1, 12)
        desk.script.hold("step")
        rewrite = editor.rewrite(1, 2, seed=1_000)
        await desk.script.until(lambda: len(desk.script.lines("ran")) == STEPS + 1)
        editor.cancel_last()
        assert (await rewrite)["error"]["code"] == -32800
        host = desk.client()
        await until(host, lambda status: status.cancelled == 1)
        desk.script.release("step")
        # The next one has the model to itself, and each of its steps is seen.
        answer = await editor.rewrite(1, 2, seed=7, partialResultToken="frames")
        assert answer["result"]["candidates"]
        assert len(editor.progress) == 7
        assert len(desk.script.lines("ran")) == STEPS + 1 + 7
        assert (await host.status()).steps_after_cancel_max <= 1


async def test_a_killed_host_costs_one_empty_answer(desk: Desk) -> None:
    desk.script.hold("load")
    async with fake_front_end(desk) as editor:
        host = desk.client()
        first = editor.complete(1, 12)
        # Killed as it loads, with a request that waits for it.
        status = await until(host, lambda status: status.state == "loading" and status.requests == 1)
        os.kill(status.pid, signal.SIGKILL)
        assert (await first)["result"] == {"items": []}
        desk.script.hold("step")
        desk.script.release("load")
        second = editor.complete(1, 12)
        await desk.script.until(lambda: len(desk.script.lines("ran")) == 1)
        os.kill((await host.status()).pid, signal.SIGKILL)
        assert (await second)["result"] == {"items": []}
        desk.script.release("step")
        assert (await editor.complete(1, 12))["result"]["items"]
        assert len(set(desk.script.lines("loads"))) == 3
