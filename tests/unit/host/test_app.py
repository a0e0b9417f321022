"""The HTTP interface without a server: routes, refusals, tokens, metrics."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest
from starlette.types import ASGIApp, Scope

from dgemma_lsp.host import app
from dgemma_lsp.host.app import HostApp
from dgemma_lsp.host.scheduler import Scheduler
from dgemma_lsp.resident.resident import Model, Report
from dgemma_lsp.wire.messages import Answer, RequestOptions, dump_call, parse_event, parse_status
from engine.errors import EngineError
from tests.unit.host.scripted import TIMEOUT_S, ScriptedModel, owner, request


@pytest.fixture(name="scheduler")
def _scheduler() -> Iterator[Scheduler]:
    scheduler = Scheduler(lambda report: ScriptedModel(gated=False), checkpoint="scripted", device="auto")
    scheduler.start()
    yield scheduler
    scheduler.stop(TIMEOUT_S)


@pytest.fixture(name="stops")
def _stops() -> list[str]:
    return []


@pytest.fixture(name="http")
async def _http(scheduler: Scheduler, stops: list[str]) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(HostApp(scheduler, stop=lambda: stops.append("stop")).asgi()) as client:
        yield client


def client_of(asgi: ASGIApp) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(asgi), base_url="http://host")


async def test_infill_streams_events(http: httpx2.AsyncClient) -> None:
    body = dump_call(request("a", steps=2), RequestOptions(priority="inline", owner=owner(), stream=True))
    response = await http.post("/v1/infill", content=body)
    assert response.headers["content-type"] == "application/x-ndjson"
    events = [parse_event(line) for line in response.text.splitlines()]
    assert [next(iter(json.loads(line))) for line in response.text.splitlines()] == [
        "draft",
        "draft",
        "answer",
    ]
    assert isinstance(events[2], Answer)


async def test_a_client_that_hangs_up_before_its_request_is_read_is_no_error(scheduler: Scheduler) -> None:
    asgi = HostApp(scheduler, stop=lambda: None).asgi()
    scope: Scope = {"type": "http", "method": "POST", "path": "/v1/infill", "headers": [], "query_string": b""}

    async def receive() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def send(_message: object) -> None:
        pass

    await asgi(scope, receive, send)
    assert scheduler.status().requests == 0


async def test_a_failing_request_ends_with_an_error(http: httpx2.AsyncClient) -> None:
    response = await http.post("/v1/infill", content=dump_call(request("broken"), RequestOptions()))
    [line] = response.text.splitlines()
    assert json.loads(line)["error"]["kind"] == "engine"


@pytest.mark.parametrize(
    ("body", "message"),
    [("{", "$: not JSON"), ('{"text": "secret"}', "$.holes: missing"), ('{"wings": 2}', "$.wings: unknown field")],
)
async def test_a_malformed_request_is_a_400_with_its_path(http: httpx2.AsyncClient, body: str, message: str) -> None:
    response = await http.post("/v1/infill", content=body)
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["message"].startswith(message)
    assert "secret" not in error["message"]


@pytest.mark.parametrize(
    ("method", "path", "status_code"),
    [("GET", "/v1/infill", 405), ("GET", "/v1/stop", 405), ("POST", "/v1/status", 405), ("GET", "/v2/status", 404)],
)
async def test_other_routes_are_refused(http: httpx2.AsyncClient, method: str, path: str, status_code: int) -> None:
    assert (await http.request(method, path)).status_code == status_code


async def test_status_and_metrics_count_requests(http: httpx2.AsyncClient) -> None:
    await http.post("/v1/infill", content=dump_call(request("a"), RequestOptions(priority="edit")))
    status = parse_status((await http.get("/v1/status")).text)
    assert (status.requests, status.loads, status.state, status.checkpoint) == (1, 1, "ready", "scripted")
    metrics = (await http.get("/metrics")).text.splitlines()
    assert 'dgemma_requests_total{priority="edit"} 1' in metrics
    assert 'dgemma_requests_total{priority="inline"} 0' in metrics
    assert 'dgemma_endings_total{ending="done"} 1' in metrics
    assert 'dgemma_stage_seconds_total{stage="denoise"} 0.002' in metrics
    assert "dgemma_passes_total 3" in metrics
    assert "# TYPE dgemma_loads_total counter" in metrics


async def test_stop_is_passed_on(http: httpx2.AsyncClient, stops: list[str]) -> None:
    assert (await http.post("/v1/stop")).status_code == 202
    assert stops == ["stop"]


async def test_a_host_ends_for_others_only_once_it_was_used_and_is_no_more(
    http: httpx2.AsyncClient, stops: list[str]
) -> None:
    just_started = await http.post("/v1/end-if-unused")
    assert (just_started.status_code, just_started.text, stops) == (409, "in use\n", [])
    await http.post("/v1/infill", content=dump_call(request("a"), RequestOptions()))
    unused = await http.post("/v1/end-if-unused")
    assert (unused.status_code, unused.text, stops) == (202, "ends\n", ["stop"])


@pytest.mark.parametrize("idle_unload_s", [None, 0.001])
async def test_a_host_without_a_model_ends_soon_where_nobody_uses_it(
    monkeypatch: pytest.MonkeyPatch, idle_unload_s: float | None
) -> None:
    def fail(_report: Report) -> Model:
        raise EngineError("no such device")

    def load(_report: Report) -> Model:
        return ScriptedModel(gated=False)

    monkeypatch.setattr(app, "WITHOUT_MODEL_S", 0.0)
    load_or_fail = fail if idle_unload_s is None else load
    scheduler = Scheduler(load_or_fail, checkpoint="scripted", device="auto", idle_unload_s=idle_unload_s)
    unused = asyncio.create_task(HostApp(scheduler, stop=lambda: None).unused_for(3600.0))
    await asyncio.sleep(0)
    scheduler.start()
    async with asyncio.timeout(TIMEOUT_S):
        await unused
    assert scheduler.status().state == ("failed" if idle_unload_s is None else "paused")
    await asyncio.to_thread(scheduler.stop, TIMEOUT_S)


@pytest.mark.parametrize(
    ("headers", "status_code"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "token"}, 401),
        ({"Authorization": "Bearer token"}, 200),
    ],
)
async def test_a_token_is_required_everywhere(scheduler: Scheduler, headers: dict[str, str], status_code: int) -> None:
    asgi = HostApp(scheduler, stop=lambda: None).asgi(token="token")
    async with client_of(asgi) as http:
        for path in ("/v1/status", "/metrics"):
            assert (await http.get(path, headers=headers)).status_code == status_code
