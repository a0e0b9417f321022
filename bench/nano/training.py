"""The two stages: plans, data and what is measured on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from bench.nano import frames
from bench.nano.batches import MIXED_ROWS, PLAIN_ROWS, ROW, Batches, BatchKind, own_holes
from bench.nano.shape import text_configuration
from engine.train.loop import Plan, train
from engine.train.model import Backbone
from engine.train.objective import Batch, Objective
from engine.train.workers import Workers

EVALUATED_BATCHES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stretch of the run: the batches of consecutive steps, and how often canvases are conditioned on a first
    pass."""

    cycle: tuple[BatchKind, ...]
    self_condition: float


# The decoder reads the token at a position and the encoder the next one, so the causal stage shows some canvases too.
STAGES = {
    "causal": Stage(cycle=("plain", "copied", "plain", "framed"), self_condition=0.0),
    "adapt": Stage(cycle=("dense", "framed", "dense", "recalled"), self_condition=0.25),
}


# Steps of the stages and of the final decay when everything is made in one go.
CAUSAL_STEPS, ADAPT_STEPS, DECAY_STEPS = 360, 345, 130


def run_all(state: Path) -> None:
    """Both stages, one after the other."""
    run(state, "causal", steps=CAUSAL_STEPS, decay=0)
    run(state, "adapt", steps=CAUSAL_STEPS + ADAPT_STEPS, decay=DECAY_STEPS)


def run(state: Path, stage_name: str, *, steps: int, decay: int) -> None:
    """Train a stage to `steps` (counted over both stages), resuming from `state/state.pt`."""
    stage = STAGES[stage_name]
    data = state / "data"
    batches = Batches(
        code=np.load(data / "train.npy"), frames=frames.load(data / "train-frames.npz"), cycle=stage.cycle
    )
    torch.manual_seed(0)
    model = Backbone(text_configuration())
    plan = Plan(steps=steps, decay=decay, self_condition=stage.self_condition)
    train(model, batches, plan, state, workers=Workers.join(), evaluate=_evaluator(data))


def _evaluator(data: Path) -> Callable[[Objective], Mapping[str, float]]:
    """Nats a token on the tuning split: plain code left to right, and holes in full noise."""
    code = np.load(data / "tuning.npy")[: EVALUATED_BATCHES * PLAIN_ROWS * ROW].astype(np.int64)
    rows = torch.from_numpy(code.reshape(EVALUATED_BATCHES, PLAIN_ROWS, ROW))
    held = frames.load(data / "tuning-frames.npz")
    groups = [list(range(i * MIXED_ROWS, (i + 1) * MIXED_ROWS)) for i in range(EVALUATED_BATCHES)]

    def evaluate(objective: Objective) -> Mapping[str, float]:
        generator = torch.Generator().manual_seed(0)
        plain = [objective(Batch.of_contexts(group), generator).causal.item() for group in rows]
        holes = [objective(own_holes(held, group), generator).canvas.item() for group in groups]
        return {"tuning_causal": float(np.mean(plain)), "tuning_hole": float(np.mean(holes))}

    return evaluate
