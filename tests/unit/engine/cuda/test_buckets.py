"""Which programs there are, and what happens where a card has no room for all of them."""

from __future__ import annotations

import pytest
import torch

from engine.cuda.arena import Arena
from engine.cuda.denoiser import CudaDenoiser
from engine.cuda.programs import buckets
from engine.cuda.programs.buckets import EXTRA, POSITIONS, TOKENS, Buckets
from engine.cuda.programs.choices import ChoiceTable
from engine.cuda.programs.program import Program
from engine.model.backbone import Backbone
from engine.reference import ReferenceDenoiser
from tests.checkpoints import VOCABULARY, WINDOW
from tests.unit.engine.canvases import prompt
from tests.unit.engine.cuda.test_parity import CANVASES, WAYS, assert_same_steps, seeds


@pytest.fixture
def programs(backbone: Backbone) -> Buckets:
    cpu = torch.device("cpu")
    arena = Arena(backbone.layer_shapes, tokens=8, device=cpu, dtype=torch.float32)
    return Buckets(backbone, arena, ChoiceTable(VOCABULARY, cpu))


def test_what_fits_a_bucket_shares_its_program(programs: Buckets) -> None:
    assert programs.forward("decode", 17, 0) is programs.forward("decode", 32, 0)
    assert programs.forward("decode", 17, 1) is programs.forward("decode", 32, EXTRA[1])
    assert programs.forward("encode", 17, 0) is not programs.forward("decode", 17, 0)
    assert programs.sampling(1, mixed=True) is programs.sampling(POSITIONS[0], mixed=True)


def test_what_is_larger_than_all_has_a_program_for_once(programs: Buckets) -> None:
    made = programs.forward("decode", TOKENS[-1] + 1, 0)
    assert made.shape.tokens == 2 * TOKENS[-1]
    assert programs.forward("decode", TOKENS[-1] + 1, 0) is not made


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory."), RuntimeError("not permitted")])
def test_where_recording_fails_the_rest_runs_unrecorded(
    backbone: Backbone, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: RuntimeError
) -> None:
    recorded: list[Program] = []

    def record(program: Program, _pool: object) -> None:
        if len(recorded) == 10:
            raise error
        recorded.append(program)

    def no_pool() -> tuple[int, int]:
        return (0, 0)

    monkeypatch.setattr(Program, "record", record)
    monkeypatch.setattr(buckets.torch.cuda, "graph_pool_handle", no_pool)
    fast = CudaDenoiser(backbone, context_tokens=64)
    assert fast.programs.record() == 10
    assert "Only 10 of the fast path's 45 programs are recorded" in caplog.text

    reference = ReferenceDenoiser(backbone, context_tokens=64)
    with fast.prefill(prompt(2 * WINDOW)) as context, reference.prefill(prompt(2 * WINDOW)) as other:
        mine = fast.start(context, CANVASES, seeds=seeds(CANVASES), config=WAYS[0])
        assert_same_steps(mine, reference.start(other, CANVASES, seeds=seeds(CANVASES), config=WAYS[0]), 2)


def test_where_memory_runs_out_smaller_programs_are_recorded_all_the_same(
    programs: Buckets, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = {programs.sampling(POSITIONS[-1], mixed=True).program}
    lacking |= {programs.forward("decode", TOKENS[-1], extra).program for extra in EXTRA}
    recorded: list[Program] = []

    def record(program: Program, _pool: object) -> None:
        if program in lacking:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        recorded.append(program)

    def no_pool() -> tuple[int, int]:
        return (0, 0)

    monkeypatch.setattr(Program, "record", record)
    monkeypatch.setattr(buckets.torch.cuda, "graph_pool_handle", no_pool)
    assert programs.record() == len(recorded) == 41
    assert programs.forward("decode", TOKENS[-2], EXTRA[-1]).program in recorded


def test_every_program_is_recorded_once(programs: Buckets, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded: list[Program] = []

    def record(program: Program, _pool: object) -> None:
        recorded.append(program)

    def no_pool() -> tuple[int, int]:
        return (0, 0)

    monkeypatch.setattr(Program, "record", record)
    monkeypatch.setattr(buckets.torch.cuda, "graph_pool_handle", no_pool)
    assert programs.record() == len(recorded) == len(set(map(id, recorded)))
    assert programs.forward("decode", TOKENS[-1], EXTRA[-1]).program in recorded


def test_less_is_kept_after_memory_ran_out(fast: CudaDenoiser) -> None:
    with fast.prefill(prompt(20)) as context:
        fast.shrink(30)
        assert (fast.max_context_tokens, context.token_count) == (30, 20)
    with fast.prefill(prompt(28)) as context:
        assert context.cached_count == 20
