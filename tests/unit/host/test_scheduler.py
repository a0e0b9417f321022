"""Who is served when, and what becomes of requests that nobody waits for any more."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator

import pytest

from dgemma_lsp.host.jobs import Job
from dgemma_lsp.host.scheduler import Scheduler
from dgemma_lsp.resident import resident
from dgemma_lsp.resident.resident import Loader, Model, Report
from dgemma_lsp.wire.errors import EngineUnavailable, Superseded
from dgemma_lsp.wire.messages import Answer, Owner, Priority, RequestOptions
from engine.errors import CheckpointError, EngineError
from infill.request import Draft
from tests.unit.host.scripted import TIMEOUT_S, ScriptedModel, Taker, owner, request


class Bench:
    """A running scheduler over a scripted model."""

    def __init__(self, model: ScriptedModel, load: Loader | None = None, idle_unload_s: float | None = None) -> None:
        self.model = model
        self.scheduler = Scheduler(
            load or (lambda report: model), checkpoint="scripted", device="auto", idle_unload_s=idle_unload_s
        )
        self.scheduler.start()

    def submit(
        self,
        name: str,
        *,
        steps: int = 3,
        priority: Priority = "inline",
        owner: Owner | None = None,
        sequence: int = 0,
        drafts: bool = False,
    ) -> tuple[Job, Taker]:
        taker = Taker()
        options = RequestOptions(priority=priority, owner=owner, sequence=sequence, stream=drafts)
        return self.scheduler.submit(request(name, steps=steps), options, taker), taker

    def wait_for_step(self, name: str) -> None:
        """Return when a forward for `name` is under way, waiting for its permit."""
        assert self.model.began.get(timeout=TIMEOUT_S) == name

    def free_running(self) -> None:
        self.model.permits.release(1000)


@pytest.fixture(name="bench")
def _bench() -> Iterator[Bench]:
    bench = Bench(ScriptedModel())
    yield bench
    bench.free_running()
    bench.scheduler.stop(TIMEOUT_S)


@pytest.fixture(name="make_bench")
def _make_bench() -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(
        load: Loader | None = None, *, model: ScriptedModel | None = None, idle_unload_s: float | None = None
    ) -> Bench:
        made.append(Bench(model or ScriptedModel(gated=False), load, idle_unload_s))
        return made[-1]

    yield make
    for bench in made:
        bench.scheduler.stop(TIMEOUT_S)


def test_answers_in_order_and_counts(bench: Bench) -> None:
    bench.free_running()
    _, taker = bench.submit("a", steps=2, drafts=True)
    draft_1, draft_2, answer = taker.wait()
    assert [draft_1, draft_2] == [Draft(pieces=(((f"a {step}", 0.5),),)) for step in (1, 2)]
    assert isinstance(answer, Answer)
    assert [candidate.texts for candidate in answer.candidates] == [("a",)]
    assert answer.passes == 2
    assert set(answer.ms) == {"queue", "prefill", "denoise", "rank"}
    assert answer.stop_reason == "settled"
    assert bench.scheduler.counters.passes == 2
    assert bench.scheduler.counters.endings["done"] == 1


def test_drafts_are_sent_only_if_wanted(bench: Bench) -> None:
    bench.free_running()
    _, taker = bench.submit("a")
    assert not any(isinstance(outcome, Draft) for outcome in taker.wait())


@pytest.mark.parametrize(
    ("waiting", "order"),
    [
        ([("s", "speculation"), ("e", "edit"), ("r", "rewrite"), ("i", "inline")], ["i", "r", "e", "s"]),
        ([("i", "inline"), ("r", "rewrite"), ("e", "edit"), ("s", "speculation")], ["i", "r", "e", "s"]),
        ([("1", "inline"), ("2", "inline"), ("3", "inline")], ["3", "2", "1"]),
        ([("e1", "edit"), ("i1", "inline"), ("e2", "edit"), ("i2", "inline")], ["i2", "i1", "e2", "e1"]),
    ],
)
def test_serves_by_class_then_newest_first(bench: Bench, waiting: list[tuple[str, Priority]], order: list[str]) -> None:
    bench.submit("first", steps=1)
    bench.wait_for_step("first")
    takers = [bench.submit(name, steps=2, priority=priority)[1] for name, priority in waiting]
    bench.free_running()
    for taker in takers:
        taker.wait()
    assert bench.model.ran == ["first", *(name for name in order for _ in range(2))]


def test_is_not_busy_with_what_nobody_waits_for(bench: Bench) -> None:
    bench.submit("ahead", priority="speculation")
    bench.wait_for_step("ahead")
    assert bench.scheduler.status().state == "ready"
    bench.submit("a")
    assert bench.scheduler.status().state == "busy"


def test_what_there_is_no_room_for_beside_what_it_preempts_comes_first_and_the_other_begins_anew(bench: Bench) -> None:
    bench.model.room = 1
    _, rewrite = bench.submit("rewrite", steps=3, priority="rewrite")
    bench.wait_for_step("rewrite")
    _, inline = bench.submit("inline", steps=2)
    bench.free_running()
    assert isinstance(inline.wait()[-1], Answer)
    assert isinstance(rewrite.wait()[-1], Answer)
    assert bench.model.ran == ["rewrite", "inline", "inline", "rewrite", "rewrite", "rewrite"]


def test_what_there_is_no_room_for_at_all_fails_with_its_reason(bench: Bench) -> None:
    bench.model.room = 0
    bench.free_running()
    _, taker = bench.submit("a")
    [failure] = taker.wait()
    assert str(failure) == "a is too long"


def test_preempts_at_the_next_step_and_goes_on_afterwards(bench: Bench) -> None:
    _, rewrite = bench.submit("rewrite", priority="rewrite")
    bench.wait_for_step("rewrite")
    _, inline = bench.submit("inline", steps=2)
    bench.free_running()
    assert isinstance(inline.wait()[-1], Answer)
    assert isinstance(rewrite.wait()[-1], Answer)
    assert bench.model.ran == ["rewrite", "inline", "inline", "rewrite", "rewrite"]


def test_a_newer_request_of_the_owner_supersedes_the_running_one(bench: Bench) -> None:
    _, old = bench.submit("old", owner=owner())
    bench.wait_for_step("old")
    _, new = bench.submit("new", owner=owner())
    assert isinstance(old.wait()[-1], Superseded)
    bench.free_running()
    assert isinstance(new.wait()[-1], Answer)
    assert bench.model.ran == ["old", "new", "new", "new"]
    assert bench.model.closed[0] == "old"
    status = bench.scheduler.status()
    assert (status.superseded, status.steps_after_cancel_max) == (1, 1)


def test_a_request_that_comes_late_is_itself_superseded(bench: Bench) -> None:
    bench.submit("first")
    bench.wait_for_step("first")
    _, new = bench.submit("new", owner=owner(), sequence=2)
    _, old = bench.submit("old", owner=owner(), sequence=1)
    assert isinstance(old.wait()[-1], Superseded)
    bench.free_running()
    assert isinstance(new.wait()[-1], Answer)
    assert "old" not in bench.model.ran


@pytest.mark.parametrize("other", [None, owner("file:///b.py"), owner(kind="edit")])
def test_others_are_not_superseded(bench: Bench, other: Owner | None) -> None:
    _, mine = bench.submit("mine", owner=owner())
    bench.wait_for_step("mine")
    _, theirs = bench.submit("theirs", owner=other)
    bench.free_running()
    assert isinstance(mine.wait()[-1], Answer)
    assert isinstance(theirs.wait()[-1], Answer)


def test_cancelling_stops_after_the_step_under_way(bench: Bench) -> None:
    job, taker = bench.submit("a", drafts=True)
    bench.wait_for_step("a")
    bench.scheduler.cancel(job)
    bench.free_running()
    bench.submit("b")[1].wait()
    assert bench.model.ran == ["a", "b", "b", "b"]
    assert bench.model.closed[0] == "a"
    assert taker.outcomes == []
    status = bench.scheduler.status()
    assert (status.cancelled, status.steps_after_cancel_max) == (1, 1)


def test_cancelling_a_waiting_request_runs_none_of_it(bench: Bench) -> None:
    bench.submit("first")
    bench.wait_for_step("first")
    job, _ = bench.submit("a", priority="edit")
    _, last = bench.submit("last", priority="speculation")
    bench.scheduler.cancel(job)
    bench.free_running()
    last.wait()
    assert "a" not in bench.model.ran
    assert bench.scheduler.status().steps_after_cancel_max == 0


def test_cancelling_an_answered_request_changes_nothing(bench: Bench) -> None:
    bench.free_running()
    job, taker = bench.submit("a")
    taker.wait()
    bench.scheduler.cancel(job)
    assert bench.scheduler.status().cancelled == 0


def test_a_failing_request_fails_alone_and_its_text_stays_out_of_the_log(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bench.free_running()
    [error] = bench.submit("broken")[1].wait()
    assert isinstance(error, EngineError)
    assert "KeyError" in str(error)
    assert isinstance(bench.submit("sound")[1].wait()[-1], Answer)
    assert bench.scheduler.status().failed == 1
    assert "KeyError" in caplog.text
    assert "broken text" not in caplog.text


def test_requests_wait_for_the_load_and_the_superseded_never_run(make_bench: Callable[..., Bench]) -> None:
    model, let_load = ScriptedModel(gated=False), threading.Event()

    def load(report: Report) -> Model:
        report("half way", 0.5)
        let_load.wait(TIMEOUT_S)
        return model

    bench = make_bench(load, model=model)
    told = threading.Event()
    with bench.scheduler.listening(told.set):
        takers = [bench.submit(str(i), owner=owner(), sequence=i)[1] for i in range(200)]
        assert told.wait(TIMEOUT_S)
    assert bench.scheduler.status().state == "loading"
    let_load.set()
    assert isinstance(takers[-1].wait()[-1], Answer)
    assert all(isinstance(taker.wait()[-1], Superseded) for taker in takers[:-1])
    assert model.ran == ["199"] * 3
    status = bench.scheduler.status()
    assert (status.superseded, status.steps_after_cancel_max, status.loads) == (199, 0, 1)
    assert status.device == "scripted"


@pytest.mark.parametrize("error", [CheckpointError("model.safetensors is cut short"), OSError("no such device")])
def test_a_failed_load_fails_requests_and_is_not_tried_at_once(
    make_bench: Callable[..., Bench], error: Exception
) -> None:
    attempts: list[int] = []

    def load(report: Report) -> Model:
        attempts.append(1)
        raise error

    bench = make_bench(load)
    for _ in range(2):
        [failure] = bench.submit("a")[1].wait()
        assert isinstance(failure, EngineError)
        assert str(error) in str(failure)
    status = bench.scheduler.status()
    assert status.state == "failed"
    assert str(error) in status.message
    assert len(attempts) == 1


def test_a_failed_load_is_tried_again_later(make_bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resident, "RETRY_S", 0.0)
    model, failures, let_load = ScriptedModel(gated=False), [EngineError("memory is short")], threading.Event()

    def load(report: Report) -> Model:
        let_load.wait(TIMEOUT_S)
        if failures:
            raise failures.pop()
        return model

    bench = make_bench(load, model=model)
    _, taker = bench.submit("too early")
    let_load.set()
    assert isinstance(taker.wait()[-1], EngineError)
    assert isinstance(bench.submit("a")[1].wait()[-1], Answer)
    assert bench.scheduler.status().state == "ready"


def test_what_a_load_has_to_say_is_the_status(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(model=ScriptedModel(gated=False, notice="There was no room for the cache."))
    bench.submit("a")[1].wait()
    assert bench.scheduler.status().message == "scripted on scripted; There was no room for the cache."


def test_idle_weights_are_dropped_and_loaded_again(make_bench: Callable[..., Bench]) -> None:
    model = ScriptedModel(gated=False)
    bench = make_bench(model=model, idle_unload_s=0.01)
    assert model.freed.wait(TIMEOUT_S)
    model.freed.clear()
    assert isinstance(bench.submit("a")[1].wait()[-1], Answer)
    assert model.freed.wait(TIMEOUT_S)
    assert bench.scheduler.status().loads == 2


def test_stopping_ends_requests_and_frees_the_model(bench: Bench) -> None:
    _, taker = bench.submit("a")
    bench.wait_for_step("a")
    bench.scheduler.stop(0)
    assert isinstance(taker.wait()[-1], EngineUnavailable)
    bench.model.permits.release()
    bench.scheduler.stop(TIMEOUT_S)
    assert bench.model.freed.is_set()
    assert bench.model.closed == ["a"]
    with pytest.raises(EngineUnavailable):
        bench.submit("b")
