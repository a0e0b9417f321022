"""The training loop: steps, one JSON line an interval, state saved by atomic replacement, resumed from there.

A batch is a function of its step, and so is its noise, so that a resumed run goes on as if it had not stopped.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from engine.train.model import Backbone
from engine.train.objective import Batch, Objective
from engine.train.optimizer import optimizers, rate
from engine.train.workers import ALONE, Workers


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long and how fast to train.

    steps: of the whole run, counted from its first start. decay: the last ones, over which the rates fall to 0.
    self_condition: probability with which a step feeds a first pass back.
    log_every, evaluate_every: steps. save_seconds: wall-clock time between saved states.
    """

    steps: int
    warm_up: int = 50
    decay: int = 0
    muon_lr: float = 0.02
    adam_lr: float = 0.003
    clip: float = 1.0
    self_condition: float = 0.0
    seed: int = 0
    log_every: int = 20
    evaluate_every: int = 200
    save_seconds: float = 180.0


@dataclass(slots=True, kw_only=True)
class Run:
    """What a state file holds beside weights and moments: steps done, tokens seen, seconds spent."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0


def train(
    model: Backbone,
    batch_of: Callable[[int, Workers], Batch],
    plan: Plan,
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
    state_file, log_file = directory / "state.pt", directory / "log.jsonl"
    steppers = optimizers(model, muon_lr=plan.muon_lr, adam_lr=plan.adam_lr)
    run = resume(state_file, model, steppers) if state_file.exists() else Run()
    objective = Objective(model, compiled=compiled)
    sums: dict[str, list[float]] = {}
    started = saved = logged = time.monotonic()
    before = run.seconds
    while run.step < plan.steps:
        batch = batch_of(run.step, workers)
        generator = torch.Generator().manual_seed(plan.seed * 1_000_003 + run.step)
        twice = bool(torch.rand((), generator=generator) < plan.self_condition)
        generator.manual_seed(plan.seed * 1_000_003 + run.step * workers.count + workers.rank)
        losses = objective(batch, generator, self_condition=twice)
        losses.total.backward()
        workers.average_gradients(model)
        nn.utils.clip_grad_norm_(model.parameters(), plan.clip)
        factor = rate(run.step, steps=plan.steps, warm_up=plan.warm_up, decay=plan.decay)
        for stepper, highest in zip(steppers, (plan.muon_lr, plan.adam_lr), strict=True):
            for group in stepper.param_groups:
                group["lr"] = highest * factor
            stepper.step()
            stepper.zero_grad(set_to_none=True)
        run.step += 1
        run.tokens += batch.token_count * workers.count
        run.seconds = before + time.monotonic() - started
        kind = "mixed" if batch.canvas_ids.numel() else "plain"
        sums.setdefault(f"causal_{kind}", []).append(losses.causal.item())
        sums.setdefault("imbalance", []).append(losses.imbalance.item())
        if batch.canvas_ids.numel():
            sums.setdefault("canvas", []).append(losses.canvas.item())
        if workers.rank == 0 and (run.step % plan.log_every == 0 or run.step == plan.steps):
            now = time.monotonic()
            line = {name: sum(values) / len(values) for name, values in sums.items()}
            line |= {"step": run.step, "tokens": run.tokens, "seconds": run.seconds, "rate": factor}
            line["seconds_per_step"] = (now - logged) / plan.log_every
            sums, logged = {}, now
            if evaluate and (run.step % plan.evaluate_every == 0 or run.step == plan.steps):
                with torch.no_grad():
                    line |= evaluate(objective)
            with log_file.open("a") as log:
                log.write(json.dumps({name: round(value, 4) for name, value in line.items()}) + "\n")
        if workers.rank == 0 and (time.monotonic() - saved > plan.save_seconds or run.step == plan.steps):
            save(state_file, model, steppers, run)
            saved = time.monotonic()


def save(path: Path, model: Backbone, steppers: tuple[torch.optim.Optimizer, ...], run: Run) -> None:
    """Write a state so that a reader, or a crash, finds either the old one or the new one."""
    state = {
        "model": model.state_dict(),
        "optimizers": [stepper.state_dict() for stepper in steppers],
        "run": {"step": run.step, "tokens": run.tokens, "seconds": run.seconds},
    }
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    os.replace(partial, path)


def resume(path: Path, model: Backbone, steppers: tuple[torch.optim.Optimizer, ...]) -> Run:
    """Read a state into model and optimizers."""
    state: dict[str, Any] = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    for stepper, values in zip(steppers, state["optimizers"], strict=True):
        stepper.load_state_dict(values)
    return Run(**state["run"])
