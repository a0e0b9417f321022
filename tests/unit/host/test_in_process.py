"""The client whose engine is a thread of this process, and the way from that thread to asyncio."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from dgemma_lsp.client.client import EngineClient
from dgemma_lsp.host.in_process import InProcessClient
from dgemma_lsp.host.scheduler import Scheduler
from dgemma_lsp.wire.errors import EngineUnavailable, Superseded
from dgemma_lsp.wire.messages import Answer, Event
from dgemma_lsp.wire.status import State, Status
from infill.request import Draft
from tests.unit.host.scripted import TIMEOUT_S, ScriptedModel, owner, request


@pytest.fixture(name="model")
def _model() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture(name="client")
async def _client(model: ScriptedModel) -> AsyncIterator[EngineClient]:
    client = InProcessClient(lambda: Scheduler(lambda report: model, checkpoint="scripted", device="auto"))
    yield client
    model.permits.release(1000)
    await client.close()


async def _collect(client: EngineClient, name: str, *, drafts: bool = False) -> list[Event]:
    async with contextlib.aclosing(
        client.infill(request(name), priority="inline", owner=owner(), drafts=drafts)
    ) as events:
        return [event async for event in events]


async def _wait_for_step(model: ScriptedModel, name: str) -> None:
    assert await asyncio.to_thread(model.began.get, timeout=TIMEOUT_S) == name


async def test_events_come_in_order(client: EngineClient, model: ScriptedModel) -> None:
    model.permits.release(1000)
    events = await _collect(client, "a", drafts=True)
    assert [type(event) for event in events] == [Draft, Draft, Draft, Answer]


async def test_a_newer_request_supersedes(client: EngineClient, model: ScriptedModel) -> None:
    old = asyncio.create_task(_collect(client, "old"))
    await _wait_for_step(model, "old")
    new = asyncio.create_task(_collect(client, "new"))
    with pytest.raises(Superseded):
        await old
    model.permits.release(1000)
    assert isinstance((await new)[-1], Answer)


async def test_closing_the_stream_cancels(client: EngineClient, model: ScriptedModel) -> None:
    task = asyncio.create_task(_collect(client, "a"))
    await _wait_for_step(model, "a")
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    model.permits.release(1000)
    await _collect(client, "b")
    assert model.ran == ["a", "b", "b", "b"]
    status = await client.status()
    assert (status.cancelled, status.steps_after_cancel_max) == (1, 1)


async def test_watching_tells_changes_until_closed(client: EngineClient, model: ScriptedModel) -> None:
    await client.start()
    async with asyncio.timeout(TIMEOUT_S), contextlib.aclosing(client.watch()) as statuses:
        await _follow(statuses, "ready")
        task = asyncio.create_task(_collect(client, "a"))
        await _follow(statuses, "busy")
        model.permits.release(1000)
        await task
        await _follow(statuses, "ready")


async def _follow(statuses: AsyncIterator[Status], state: State) -> None:
    """Read on until `state` is told. States that pass quickly may be left out."""
    while (await anext(statuses)).state != state:
        pass


async def test_closing_ends_requests_and_frees_the_model(client: EngineClient, model: ScriptedModel) -> None:
    task = asyncio.create_task(_collect(client, "a"))
    await _wait_for_step(model, "a")
    closing = asyncio.create_task(client.close())
    with pytest.raises(EngineUnavailable):
        await task
    model.permits.release()
    await closing
    assert model.freed.is_set()
