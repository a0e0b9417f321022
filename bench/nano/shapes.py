"""Shapes of about as many parameters as the shipped one, in short runs of equal CPU time, and what they reach."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench.machine import machine
from bench.nano import training
from bench.nano.batches import Batches
from bench.nano.shape import text_configuration
from engine.train.loop import Run, TrainingPlan, update
from engine.train.model import TrainableBackbone
from engine.train.objective import Objective
from engine.train.optimizer import optimizers
from engine.train.workers import ALONE

FILE = Path(__file__).with_name("shapes.json")
MINUTES = 7.0
_TURNS = 12
_WARM_UP = 20
"""Steps; a run has a few hundred at most."""
_DECAY = 0.3
"""The share of a run over which the rates fall to 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """changes: to the shipped text configuration. seed: of the first weights."""

    words: str
    changes: Mapping[str, int] = field(default_factory=dict[str, int])
    seed: int = 0


SHIPPED = Shape(words="shipped: 6 layers of 256, dense 256, 2 of 8 experts of 128")
# Tells how much of a difference is chance.
AGAIN = Shape(words="the same, other first weights", seed=1)
SHAPES = (
    SHIPPED,
    AGAIN,
    Shape(
        words="wider, shallower: 4 layers of 320, dense 320, 2 of 8 experts of 160",
        changes={
            "hidden_size": 320,
            "intermediate_size": 320,
            "num_hidden_layers": 4,
            "head_dim": 80,
            "global_head_dim": 160,
            "moe_intermediate_size": 160,
        },
    ),
    Shape(
        words="deeper, narrower: 12 layers of 192, dense 192, 2 of 8 experts of 96",
        changes={
            "hidden_size": 192,
            "intermediate_size": 192,
            "num_hidden_layers": 12,
            "num_attention_heads": 3,
            "num_key_value_heads": 1,
            "moe_intermediate_size": 96,
        },
    ),
    Shape(words="more, narrower experts: 2 of 16 of 64", changes={"num_experts": 16, "moe_intermediate_size": 64}),
    # One expert that all tokens go through is a second dense MLP.
    Shape(
        words="no choice of experts: dense 256 and 1,024",
        changes={"num_experts": 1, "top_k_experts": 1, "moe_intermediate_size": 1024},
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """Where a shape's run ended. tokens: seen. nats: a token of the tuning split, left to right."""

    words: str
    parameters: int
    steps: int
    tokens: int
    nats: float

    @property
    def mebibytes(self) -> float:
        """MiB of the weights in bfloat16."""
        return self.parameters * 2 / 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Runs in the order of `SHAPES`. seconds: of CPU time, each. machine, torch: that they were made on."""

    seconds: float
    machine: str
    torch: str
    reached: tuple[Reached, ...]

    @classmethod
    def read(cls, path: Path = FILE) -> Comparison:
        """What `write` has written."""
        kept: dict[str, Any] = json.loads(path.read_text())
        kept["reached"] = tuple(Reached(**reached) for reached in kept["reached"])
        return cls(**kept)

    def write(self, path: Path = FILE) -> None:
        """Keep it as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")


class Racer:
    """A shape's run, in stretches of CPU time."""

    def __init__(self, shape: Shape, batches: Batches, *, compiled: bool = True) -> None:
        torch.manual_seed(shape.seed)
        self._words, self._batches, self._plan = shape.words, batches, TrainingPlan(steps=0)
        model = TrainableBackbone(text_configuration(**shape.changes))
        self._objective = Objective(model, compiled=compiled)
        self._steppers = optimizers(model, muon_lr=self._plan.muon_lr, adam_lr=self._plan.adam_lr)
        self._run = Run()
        if compiled:
            # A long run compiles once, so that the time it takes tells nothing about the shape.
            self._objective(batches(0, ALONE), torch.Generator()).total.backward()
            model.zero_grad(set_to_none=True)

    def advance(self, until: float, budget: float) -> None:
        """Train up to `until` seconds of CPU time, of `budget` in all. What other programs take does not count."""
        run = self._run
        while run.seconds < until:
            started = time.process_time()
            batch = self._batches(run.step, ALONE)
            factor = min(1.0, (run.step + 1) / _WARM_UP, (1 - run.seconds / budget) / _DECAY)
            update(self._objective, batch, self._steppers, self._plan, run.step, factor)
            run.step += 1
            run.tokens += batch.token_count
            run.seconds += time.process_time() - started

    @torch.no_grad()
    def reached(self, rows: Tensor) -> Reached:
        """Measure it. rows: as of `training.tuning_rows`."""
        return Reached(
            words=self._words,
            parameters=sum(parameter.numel() for parameter in self._objective.model.parameters()),
            steps=self._run.step,
            tokens=self._run.tokens,
            nats=training.left_to_right(self._objective, rows),
        )


def run(state: Path, *, minutes: float) -> None:
    """Compare `SHAPES`, each for `minutes` of CPU time, on prepared data; print what they reach and keep it."""
    # Threads that wait for one another spin, and that would count.
    torch.set_num_threads(1)
    data = state / "data"
    batches = training.batches(data, training.STAGES["causal"])
    racers = [Racer(shape, batches) for shape in SHAPES]
    race(racers, seconds=minutes * 60)
    rows = training.tuning_rows(data)
    comparison = Comparison(
        seconds=minutes * 60,
        machine=machine("cpu"),
        torch=torch.__version__.partition("+")[0],
        reached=tuple(racer.reached(rows) for racer in racers),
    )
    for reached in comparison.reached:
        print(
            f"{reached.words}: {reached.parameters:,} parameters, {reached.mebibytes:.1f} MiB, {reached.steps} steps, "
            f"{reached.tokens:,} tokens, {reached.nats:.3f} nats a token"
        )
    comparison.write()


def race(racers: Sequence[Racer], *, seconds: float) -> None:
    """Train all, each for `seconds` of CPU time, in turns: what slows the machine down for a while slows all alike."""
    for turn in range(1, _TURNS + 1):
        for racer in racers:
            racer.advance(seconds * turn / _TURNS, seconds)
