"""Training lowers the loss, and a run that was stopped ends like one that was not."""

# The annotations of torch are incomplete.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from engine.train.loop import TrainingPlan, train
from engine.train.objective import TrainingBatch
from engine.train.optimizer import Muon, orthogonalised, rate
from engine.train.workers import Workers
from tests.unit.train.shapes import random_batch, tiny_backbone

PLAN = TrainingPlan(steps=6, warm_up=2, log_every=2, self_condition=0.5)


def batch_of(step: int, workers: Workers) -> TrainingBatch:
    return random_batch((step * workers.count + workers.rank) % 2)


def lines(directory: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (directory / "log.jsonl").read_text().splitlines()]


def test_loss_falls_on_repeated_batches(tmp_path: Path) -> None:
    train(tiny_backbone(), batch_of, TrainingPlan(steps=40, warm_up=2, log_every=10), tmp_path, compiled=False)
    log = lines(tmp_path)
    assert [line["step"] for line in log] == [10, 20, 30, 40]
    assert log[-1]["canvas"] < 0.7 * log[0]["canvas"]
    assert log[-1]["causal_mixed"] < 0.7 * log[0]["causal_mixed"]


def test_a_resumed_run_ends_like_an_unbroken_one(tmp_path: Path) -> None:
    unbroken, broken = tiny_backbone(), tiny_backbone()
    train(unbroken, batch_of, PLAN, tmp_path / "a", compiled=False)
    train(broken, batch_of, replace(PLAN, steps=3), tmp_path / "b", compiled=False)
    resumed = tiny_backbone(seed=5)
    train(resumed, batch_of, PLAN, tmp_path / "b", compiled=False)
    for expected, found in zip(unbroken.parameters(), resumed.parameters(), strict=True):
        torch.testing.assert_close(found, expected)
    assert lines(tmp_path / "b")[-1]["tokens"] == lines(tmp_path / "a")[-1]["tokens"]


def test_a_resumed_log_forgets_what_the_state_does_not_hold(tmp_path: Path) -> None:
    train(tiny_backbone(), batch_of, PLAN, tmp_path, compiled=False)
    with (tmp_path / "log.jsonl").open("a") as log:
        log.write('{"step": 7, "causal_mixed": 0.0}\n')
    train(tiny_backbone(), batch_of, replace(PLAN, steps=8), tmp_path, compiled=False)
    assert [line["step"] for line in lines(tmp_path)] == [2, 4, 6, 8]


@pytest.mark.parametrize(("step", "expected"), [(0, 0.25), (3, 1.0), (50, 1.0), (95, 0.5), (99, 0.1)])
def test_rate_warms_up_holds_and_decays(step: int, expected: float) -> None:
    assert rate(step, steps=100, warm_up=4, decay=10) == pytest.approx(expected)


def test_matrices_of_one_shape_are_updated_together_as_each_would_be_alone() -> None:
    torch.manual_seed(0)
    first = [torch.randn(shape) for shape in ((8, 6), (2, 8, 6), (8, 6))]  # The last holds a gate above an up part.
    gradients = [torch.randn_like(tensor) for tensor in first]

    def updated(chosen: Sequence[int], gate_ups: Sequence[int]) -> list[Tensor]:
        parameters = {index: torch.nn.Parameter(first[index].clone()) for index in (*chosen, *gate_ups)}
        for index, parameter in parameters.items():
            parameter.grad = gradients[index].clone()
        Muon([parameters[i] for i in chosen], [parameters[i] for i in gate_ups], lr=0.1).step()
        return [parameter.detach() for parameter in parameters.values()]

    together = updated([0, 1], [2])
    alone = [*updated([0], []), *updated([1], []), *updated([], [2])]
    for index, (found, expected) in enumerate(zip(together, alone, strict=True)):
        torch.testing.assert_close(found, expected)
        assert not torch.equal(found, first[index])


@pytest.mark.parametrize("shape", [(8, 8), (4, 10), (10, 4), (3, 6, 5)])
def test_orthogonalised_updates_have_singular_values_near_one(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalised(torch.randn(shape)))
    assert values.max().item() < 1.3
    assert values.median().item() > 0.6
