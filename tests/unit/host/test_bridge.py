"""Waiting for the model: signs of life while it works, and an end where it hangs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

import pytest

from dgemma_lsp.host import bridge
from dgemma_lsp.host.app import HostApp
from dgemma_lsp.host.scheduler import Scheduler
from dgemma_lsp.wire.errors import EngineUnresponsive
from dgemma_lsp.wire.messages import Event, RequestOptions, dump_call
from tests.unit.host.scripted import TIMEOUT_S, ScriptedModel, request
from tests.unit.host.test_app import client_of


@pytest.fixture(name="model")
def _model(monkeypatch: pytest.MonkeyPatch) -> ScriptedModel:
    """A model whose forwards wait for the test."""
    monkeypatch.setattr(bridge, "HEARTBEAT_S", 0.01)
    return ScriptedModel()


@pytest.fixture(name="scheduler")
def _scheduler(model: ScriptedModel) -> Iterator[Scheduler]:
    scheduler = Scheduler(lambda report: model, checkpoint="scripted", device="auto")
    scheduler.start()
    yield scheduler
    model.permits.release(1000)
    scheduler.stop(TIMEOUT_S)


async def test_a_request_that_waits_gets_signs_of_life(scheduler: Scheduler, model: ScriptedModel) -> None:
    async with aclosing(bridge.infill(scheduler, request("a"), RequestOptions())) as events:
        assert [await anext(events) for _ in range(3)] == [None, None, None]
        model.permits.release(1000)
        assert [event async for event in events if event is not None]


async def _all(events: AsyncGenerator[Event | None]) -> list[Event | None]:
    return [event async for event in events]


async def test_an_endless_step_ends_the_request(
    scheduler: Scheduler, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge, "STEP_LIMIT_S", 0.05)
    with pytest.raises(EngineUnresponsive, match=r"in one step .* dgemma-lsp host stop"):
        await _all(bridge.infill(scheduler, request("a"), RequestOptions()))
    assert scheduler.status().cancelled == 1


async def test_signs_of_life_are_empty_lines(
    scheduler: Scheduler, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge, "STEP_LIMIT_S", 0.05)
    async with client_of(HostApp(scheduler, stop=lambda: None).asgi()) as http:
        answer = await http.post("/v1/infill", content=dump_call(request("a"), RequestOptions()))
    *signs, failure = answer.text.splitlines()
    assert signs
    assert set(signs) == {""}
    assert '"kind":"unresponsive"' in failure
