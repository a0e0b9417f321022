"""The host's model where a device gives trouble: less is kept, or everything is loaded once more; and how loading is
told."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
import torch

from dgemma_lsp.checkpoints.load_meter import GB, LoadMeter, described
from dgemma_lsp.checkpoints.resolve import resolve
from dgemma_lsp.resident import degrade
from dgemma_lsp.resident.model import ResidentModel, make_loader
from dgemma_lsp.wire.identity import EngineOptions
from engine.canvas import DenoiseConfig
from engine.errors import DeviceLostError, DeviceMemoryError
from engine.placement.faults import translated
from infill import fill
from infill.profile import derived_profile
from infill.request import Filled, FillStats, InfillRequest, Progress
from tests.unit.host.scripted import request

ANSWER = Filled(candidates=(), rejection=None, stats=FillStats())


@dataclass
class Denoiser:
    budgets: list[int] = field(default_factory=list[int])
    max_context_tokens: int = 8192

    def shrink(self, context_tokens: int) -> None:
        self.budgets.append(context_tokens)


@dataclass
class Infiller:
    """Fails in its second forward below a level."""

    level: int
    error: Exception
    enough: int
    deadlines: list[int | None]

    def fill(self, request: InfillRequest) -> Generator[Progress | Filled]:
        self.deadlines.append(request.deadline_ms)
        yield Progress(stage="prefill")
        if self.level < self.enough:
            raise self.error
        yield ANSWER


@dataclass
class Bench:
    model: ResidentModel
    budgets: list[int]
    told: list[str]
    deadlines: list[int | None]


def bench(enough: int, error: Exception | None = None) -> Bench:
    denoiser, told, deadlines = Denoiser(), list[str](), list[int | None]()

    def make(level: int) -> Infiller:
        return Infiller(level, error or torch.OutOfMemoryError("CUDA out of memory."), enough, deadlines)

    model = ResidentModel(
        cast(Any, denoiser),
        cast(Any, make),
        device="scripted",
        report=lambda message, _progress: told.append(message),
    )
    return Bench(model, denoiser.budgets, told, deadlines)


def test_where_memory_runs_out_less_is_kept_and_the_request_begins_anew() -> None:
    made = bench(enough=2)
    items = list(made.model.fill(request("a")))
    assert items[-1] == replace(ANSWER, stats=FillStats(passes=2))
    assert [isinstance(item, Progress) for item in items] == [True, True, True, False]
    assert made.budgets == [4096, 2048]
    assert made.told[-1] == "GPU memory ran short: keeping 2,048 tokens of context and trying fewer lengths."
    assert len(list(made.model.fill(request("b")))) == 2


def test_memory_that_runs_out_while_the_model_warms_up_fails_no_load(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, tries = fill.Infiller.fill, list[InfillRequest]()

    def first_fails(infiller: fill.Infiller, asked: InfillRequest) -> Generator[Progress | Filled]:
        tries.append(asked)
        if len(tries) == 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        yield from whole(infiller, asked)

    monkeypatch.setattr(fill.Infiller, "fill", first_fails)
    model = make_loader(resolve("nano"), EngineOptions(device="cpu"))(lambda message, progress: None)
    assert len(tries) == 2
    model.close()


def test_a_request_that_begins_anew_has_the_time_that_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(step=0.4)
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    made = bench(enough=3)
    list(made.model.fill(replace(request("a"), deadline_ms=1_000)))
    assert made.deadlines == [600, 200, 0, 0]


def test_what_was_given_up_has_an_end() -> None:
    made = bench(enough=100)
    with pytest.raises(DeviceMemoryError, match=r"another program may have taken it.*maxVramGb"):
        list(made.model.fill(request("a")))
    assert made.budgets == [4096, 2048, 1024]


def test_a_device_that_failed_is_told_from_other_errors() -> None:
    with pytest.raises(DeviceLostError, match=r"^the GPU failed \(CUDA error: unknown error\)\.$"):
        list(bench(1, RuntimeError("CUDA error: unknown error\nlong advice")).model.fill(request("a")))
    with pytest.raises(DeviceLostError, match="illegal memory access"), translated():
        raise RuntimeError("Triton Error [CUDA]: an illegal memory access was encountered")
    with pytest.raises(RuntimeError, match="shapes differ"), translated():
        raise RuntimeError("shapes differ")


@pytest.mark.parametrize(
    "words",
    [
        "CUDA error: out of memory",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "Triton Error [CUDA]: out of memory",
    ],
)
def test_whoever_asked_for_memory_something_is_given_up_for_it(words: str) -> None:
    made = bench(2, RuntimeError(words))
    assert isinstance(list(made.model.fill(request("a")))[-1], Filled)
    assert made.budgets == [4096, 2048]


def test_a_closed_model_says_so() -> None:
    made = bench(enough=0)
    made.model.close()
    with pytest.raises(ValueError, match="closed"):
        next(made.model.fill(request("a")))


@pytest.mark.parametrize(
    ("level", "tokens", "fewer"), [(0, 8192, False), (1, 4096, True), (2, 2048, True), (9, 1024, True)]
)
def test_levels_of_the_out_of_memory_fallback(level: int, tokens: int, fewer: bool) -> None:
    assert degrade.context_tokens(8192, level) == tokens
    whole = derived_profile(DenoiseConfig())
    less = degrade.profile(whole, level)
    ladders = [
        (getattr(own.lengths, kind) for own in (less, whole)) for kind in ("within", "line", "block", "replaced")
    ]
    for own, all_of_them in (*ladders, (less.edits.lengths, whole.edits.lengths)):
        assert (len(own) < len(all_of_them)) == fewer
        assert own[-1] == all_of_them[-1]
    assert degrade.context_tokens(512, level) == 512


@pytest.mark.parametrize(
    ("done", "total", "elapsed_s", "line"),
    [
        (0, 15 * GB, 0.0, "Reading: 0.0 of 15.0 GB"),
        (3 * GB, 15 * GB, 0.5, "Reading: 3.0 of 15.0 GB"),
        (3 * GB, 15 * GB, 2.0, "Reading: 3.0 of 15.0 GB, 8 s left"),
        (GB, 15 * GB, 60.0, "Reading: 1.0 of 15.0 GB, 14 min left"),
        (15 * GB, 15 * GB, 60.0, "Reading: 15.0 of 15.0 GB"),
        (5_000_000, 20_000_000, 0.1, "Reading: 5.0 of 20.0 MB"),
    ],
)
def test_progress_in_words(done: int, total: int, elapsed_s: float, line: str) -> None:
    assert described("Reading", done, total, elapsed_s) == line


def test_progress_is_told_a_few_times_a_second() -> None:
    told: list[tuple[str, float | None]] = []
    times = iter(range(100))
    clock: Callable[[], float] = lambda: next(times) / 20  # noqa: E731 - twenty calls a second.
    meter = LoadMeter(lambda message, progress: told.append((message, progress)), clock=clock)
    for done in range(1, 21):
        meter.show("Reading", done * GB, 20 * GB)
    assert 4 <= len(told) <= 6
    assert told[-1][1] == 1.0
    meter.show("Quantizing", 1, 2)
    assert told[-1] == ("Quantizing: 0.0 of 0.0 MB", 0.5)
