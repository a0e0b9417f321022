"""The training loop: steps, one JSON line an interval, state saved by atomic replacement, resumed from there.

A batch is a function of its step, and so is its noise, so that a resumed run goes on as if it had not stopped.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch import nn

from engine.train.model import TrainableBackbone
from engine.train.objective import Losses, Objective, TrainingBatch
from engine.train.optimizer import optimizers, rate
from engine.train.workers import ALONE, Workers

STATE_FILE, LOG_FILE = "state.pt", "log.jsonl"
_SEED_STRIDE = 1_000_003
"""More than the steps of any run, so that neighbouring seeds share no noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """How long and how fast to train.

    stage: its name, for the log. steps: of the whole run, counted from its first start. decay: the last ones, over
    which the rates fall to 0.
    self_condition: probability with which a step feeds a first pass back.
    log_every, evaluate_every: steps. save_seconds: wall-clock time between saved states.
    bfloat16: the precision of products; weights and moments are float32 always.
    """

    steps: int
    stage: str = ""
    warm_up: int = 50
    decay: int = 0
    muon_lr: float = 0.02
    adam_lr: float = 0.003
    clip: float = 1.0
    self_condition: float = 0.0
    seed: int = 0
    log_every: int = 20
    evaluate_every: int = 200
    save_seconds: float = 240.0
    bfloat16: bool = False


@dataclass(slots=True, kw_only=True)
class Run:
    """What a state file holds beside weights and moments: steps done, tokens seen, seconds spent."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0


def train(
    model: TrainableBackbone,
    batch_of: Callable[[int, Workers], TrainingBatch],
    plan: TrainingPlan,
    directory: Path,
    *,
    workers: Workers = ALONE,
    evaluate: Callable[[Objective], Mapping[str, float]] | None = None,
    compiled: bool = True,
) -> None:
    """Train to `plan.steps`, resuming from `directory/state.pt` where there is one; logs go to `directory/log.jsonl`.

    batch_of: a worker's batch of a step; all workers' batches of a step hold canvases or none does.
    """
    directory.mkdir(parents=True, exist_ok=True)
    state_file = directory / STATE_FILE
    steppers = optimizers(model, muon_lr=plan.muon_lr, adam_lr=plan.adam_lr, bfloat16=plan.bfloat16)
    run = resume(state_file, model, steppers) if state_file.exists() else Run()
    log = Log(directory / LOG_FILE, after=run.step) if workers.rank == 0 else None
    objective = Objective(model, compiled=compiled, bfloat16=plan.bfloat16)
    started = saved = time.monotonic()
    before = run.seconds
    while run.step < plan.steps:
        batch = batch_of(run.step, workers)
        factor = rate(run.step, steps=plan.steps, warm_up=plan.warm_up, decay=plan.decay)
        losses = update(objective, batch, steppers, plan, run.step, factor, workers)
        run.step += 1
        run.tokens += batch.token_count * workers.count
        run.seconds = before + time.monotonic() - started
        if log is None:
            continue
        log.add(losses, mixed=batch.canvas_ids.numel() > 0)
        last = run.step == plan.steps
        if last or run.step % plan.log_every == 0:
            figures: dict[str, float] = {"rate": factor}
            if evaluate and (last or run.step % plan.evaluate_every == 0):
                with torch.no_grad():
                    figures |= evaluate(objective)
            log.write(run, plan.stage, figures)
        if last or time.monotonic() - saved > plan.save_seconds:
            save(state_file, model, steppers, run)
            saved = time.monotonic()


def update(
    objective: Objective,
    batch: TrainingBatch,
    steppers: tuple[torch.optim.Optimizer, ...],
    plan: TrainingPlan,
    step: int,
    factor: float,
    workers: Workers = ALONE,
) -> Losses:
    """One update of the weights, at `factor` of the plan's rates. Whether a first pass is fed back is the same for all
    workers, the noise is not."""
    generator = torch.Generator().manual_seed(plan.seed * _SEED_STRIDE + step)
    twice = bool(torch.rand((), generator=generator) < plan.self_condition)
    generator.manual_seed(plan.seed * _SEED_STRIDE + step * workers.count + workers.rank)
    losses = objective(batch, generator, self_condition=twice)
    torch.autograd.backward(losses.total)
    workers.average_gradients(objective.model)
    nn.utils.clip_grad_norm_(objective.model.parameters(), plan.clip)
    for stepper, highest in zip(steppers, (plan.muon_lr, plan.adam_lr), strict=True):
        for group in stepper.param_groups:
            group["lr"] = highest * factor
        stepper.step()
        stepper.zero_grad(set_to_none=True)
    return losses


class Log:
    """One JSON line an interval: means of the losses since the last line, and what else is given."""

    def __init__(self, path: Path, *, after: int) -> None:
        """Go on with a log, less its lines after step `after`, whose weights were lost."""
        self._path = path
        self._sums: dict[str, list[float]] = {}
        if path.exists():
            lines = path.read_text().splitlines(keepends=True)
            path.write_text("".join(line for line in lines if json.loads(line)["step"] <= after))

    def add(self, losses: Losses, *, mixed: bool) -> None:
        """Take in a step's losses. Contexts of steps with canvases are counted apart: they are all frames."""
        figures = {"causal_mixed" if mixed else "causal_plain": losses.causal, "imbalance": losses.imbalance}
        for name, value in (figures | ({"canvas": losses.canvas} if mixed else {})).items():
            self._sums.setdefault(name, []).append(value.item())

    def write(self, run: Run, stage: str, figures: Mapping[str, float]) -> None:
        """Append a line and begin the next interval."""
        line = {name: fmean(values) for name, values in self._sums.items()}
        line |= {"step": run.step, "tokens": run.tokens, "seconds": run.seconds, **figures}
        with self._path.open("a") as file:
            file.write(json.dumps({"stage": stage} | {name: round(value, 4) for name, value in line.items()}) + "\n")
        self._sums = {}


def save(path: Path, model: TrainableBackbone, steppers: tuple[torch.optim.Optimizer, ...], run: Run) -> None:
    """Write a state so that a reader, or a crash, finds either the old one or the new one."""
    state = {
        "model": model.state_dict(),
        "optimizers": [stepper.state_dict() for stepper in steppers],
        "run": asdict(run),
    }
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def resume(path: Path, model: TrainableBackbone, steppers: tuple[torch.optim.Optimizer, ...]) -> Run:
    """Read a state into model and optimizers."""
    state: dict[str, Any] = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    for stepper, values in zip(steppers, state["optimizers"], strict=True):
        stepper.load_state_dict(values)
    return Run(**state["run"])
