"""A device that fails, as some do after the machine slept: the model is loaded once more, and then the host ends."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field

from dgemma_lsp.host.scheduler import Scheduler
from dgemma_lsp.resident.resident import Report
from dgemma_lsp.wire.messages import Answer, RequestOptions
from engine.errors import DeviceLostError
from infill.request import Filled, InfillRequest, Progress
from tests.unit.host.scripted import TIMEOUT_S, ScriptedModel, Taker, request


@dataclass(eq=False)
class Sleeper(ScriptedModel):
    """Loses its device in the second forward, so many times, and cannot be loaded any oftener."""

    failures: int = 1
    loads_allowed: int = 2
    loads: list[str] = field(default_factory=list[str])

    def fill(self, request: InfillRequest) -> Generator[Progress | Filled, None, None]:
        forwards = super().fill(request)
        yield next(forwards)
        if self.failures:
            self.failures -= 1
            raise DeviceLostError("the GPU failed (scripted).")
        yield from forwards

    def load(self, _report: Report) -> Sleeper:
        if len(self.loads) == self.loads_allowed:
            raise DeviceLostError("the GPU is still asleep.")
        self.loads.append("load")
        return self


def outcomes(model: Sleeper) -> tuple[list[object], Scheduler]:
    scheduler = Scheduler(model.load, checkpoint="scripted", device="auto")
    scheduler.start()
    taker = Taker()
    try:
        scheduler.submit(request("a"), RequestOptions(), taker)
        return [*taker.wait()], scheduler
    finally:
        scheduler.stop(TIMEOUT_S)


def test_it_is_loaded_anew_and_the_request_is_answered() -> None:
    model = Sleeper(gated=False)
    answer, scheduler = outcomes(model)
    assert isinstance(answer[-1], Answer)
    assert len(model.loads) == 2
    assert not scheduler.lost


def test_a_device_that_fails_again_ends_the_host() -> None:
    model = Sleeper(gated=False, failures=2)
    [failure], scheduler = outcomes(model)
    assert isinstance(failure, DeviceLostError)
    assert str(failure) == "The engine ends, because the GPU failed (scripted). The next request starts another."
    assert len(model.loads) == 2
    assert scheduler.lost


def test_a_device_that_cannot_be_loaded_on_again_ends_the_host() -> None:
    [failure], scheduler = outcomes(Sleeper(gated=False, loads_allowed=1))
    assert "still asleep" in str(failure)
    assert scheduler.lost


def test_a_device_that_never_worked_is_a_failed_load() -> None:
    [failure], scheduler = outcomes(Sleeper(gated=False, loads_allowed=0))
    assert str(failure) == "the GPU is still asleep."
    assert not scheduler.lost
