"""The stages: plans, data and what is measured on the way."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bench.nano import frames
from bench.nano.batches import PLAIN_ROWS, ROW, Batches, BatchKind, own_holes
from bench.nano.scale import FULL, Scale
from bench.nano.shape import text_configuration
from engine.train.loop import LOG_FILE, STATE_FILE, TrainingPlan, train
from engine.train.model import TrainableBackbone
from engine.train.objective import Objective, TrainingBatch
from engine.train.precision import multiplies_bfloat16
from engine.train.workers import Workers

EVALUATED_ROWS = FULL.evaluated_rows
EVALUATED_TOGETHER = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stretch of a run: the batches of consecutive steps, and how often canvases are conditioned on a first pass.

    directory: of its run, in the state directory; stages of one run go on from one another. begins_with: the run whose
    state it starts from, where it has none of its own.
    """

    cycle: tuple[BatchKind, ...]
    self_condition: float
    directory: str = "."
    begins_with: str | None = None


CAUSAL_STATE = "causal"
_ADAPTATION: tuple[BatchKind, ...] = ("dense", "framed", "dense", "framed", "recalled", "framed")
STAGES = {
    "causal": Stage(cycle=("plain", "plain", "copied", "plain"), self_condition=0.0),
    # The decoder reads the token at a position and the encoder the next one, so it has to learn anew how to copy.
    "recall": Stage(cycle=("recalled", "dense"), self_condition=0.0),
    "adapt": Stage(cycle=(*_ADAPTATION, *_ADAPTATION, "long", "answered"), self_condition=0.25),
    # The official recipe and nothing else, from the same causal stage.
    "twin": Stage(cycle=("answered",), self_condition=0.5, directory="twin", begins_with=CAUSAL_STATE),
}


def run_all(state: Path, scale: Scale) -> None:
    """All stages, one after the other, with the twin last."""
    recall = scale.causal_steps + scale.recall_steps
    run(state, "causal", steps=scale.causal_steps, scale=scale)
    keep(state)
    run(state, "recall", steps=recall, scale=scale)
    run(state, "adapt", steps=recall + scale.adapt_steps, decay=scale.decay_steps, scale=scale)
    twin = scale.causal_steps + scale.twin_steps
    run(state, "twin", steps=twin, decay=scale.twin_decay_steps, scale=scale)


def keep(state: Path) -> None:
    """Keep the state that the causal stage has reached, for the twin to begin with."""
    _copy(state, state / CAUSAL_STATE)


def _copy(run: Path, into: Path) -> None:
    """A run as it stands, as the beginning of another."""
    into.mkdir(exist_ok=True)
    for name in (LOG_FILE, STATE_FILE):  # A run is there once its state is.
        shutil.copyfile(run / name, into / f"{name}.partial")
        (into / f"{name}.partial").replace(into / name)


def run(
    state: Path,
    stage_name: str,
    *,
    steps: int,
    decay: int = 0,
    branch: str | None = None,
    scale: Scale = FULL,
) -> None:
    """Train a stage to `steps` (counted over all its stages), resuming from its run's state.

    branch: the folder of a copy of the run to go on in, made where there is none, so that the run itself, which may
    be under way, can go on from before its rates fall.
    """
    stage = STAGES[stage_name]
    begins_with, directory = stage.begins_with, stage.directory
    if branch:
        begins_with, directory = directory, branch
    workers = Workers.join()
    if begins_with and not (state / directory / STATE_FILE).exists() and workers.rank == 0:
        _copy(state / begins_with, state / directory)
    workers.meet()
    data = state / "data"
    torch.manual_seed(0)
    model = TrainableBackbone(text_configuration())
    plan = TrainingPlan(
        stage=stage_name,
        steps=steps,
        decay=decay,
        self_condition=stage.self_condition,
        bfloat16=multiplies_bfloat16(),
    )
    train(
        model,
        batches(data, stage),
        plan,
        state / directory,
        workers=workers,
        evaluate=_evaluator(data, scale.evaluated_rows),
        compiled=scale.compiled,
    )


def batches(data: Path, stage: Stage) -> Batches:
    """A stage's batches, of the training split."""
    return Batches(
        code=np.load(data / "train.npy", mmap_mode="r"),
        frames=frames.load(data / "train-frames.npz"),
        long_frames=frames.load(data / "train-long.npz"),
        answers=frames.load(data / "train-answers.npz"),
        cycle=stage.cycle,
    )


def tuning_rows(data: Path, count: int = EVALUATED_ROWS) -> Tensor:
    """[batches, rows, ROW] ids of plain code of the tuning split."""
    code = np.load(data / "tuning.npy")[: count * ROW].astype(np.int64)
    return torch.from_numpy(code.reshape(-1, PLAIN_ROWS, ROW))


def left_to_right(objective: Objective, rows: Tensor) -> float:
    """The encoder's mean nats a token on `tuning_rows`."""
    generator = torch.Generator()
    return float(np.mean([objective(TrainingBatch.of_contexts(group), generator).causal.item() for group in rows]))


def _evaluator(data: Path, count: int) -> Callable[[Objective], Mapping[str, float]]:
    """Nats a token on the tuning split: plain code left to right, and holes in full noise."""
    rows = tuning_rows(data, count)
    held = frames.load(data / "tuning-frames.npz")
    groups = [list(range(first, first + EVALUATED_TOGETHER)) for first in range(0, count, EVALUATED_TOGETHER)]

    def evaluate(objective: Objective) -> Mapping[str, float]:
        generator = torch.Generator().manual_seed(0)
        holes = [objective(own_holes(held, group), generator).canvas.item() for group in groups]
        return {"tuning_causal": left_to_right(objective, rows), "tuning_hole": float(np.mean(holes))}

    return evaluate
