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
from bench.nano.batches import MIXED_ROWS, PLAIN_ROWS, ROW, Batches, BatchKind, own_holes
from bench.nano.shape import text_configuration
from engine.train.loop import LOG_FILE, STATE_FILE, Plan, train
from engine.train.model import Backbone
from engine.train.objective import Batch, Objective
from engine.train.workers import Workers

EVALUATED_ROWS = 32


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


# Steps of the stages and of the final decay when everything is made in one go.
CAUSAL_STEPS, RECALL_STEPS, ADAPT_STEPS, DECAY_STEPS = 800, 300, 1_200, 300


def run_all(state: Path) -> None:
    """All stages, one after the other, with the twin last."""
    run(state, "causal", steps=CAUSAL_STEPS, decay=0)
    keep(state)
    run(state, "recall", steps=CAUSAL_STEPS + RECALL_STEPS, decay=0)
    run(state, "adapt", steps=CAUSAL_STEPS + RECALL_STEPS + ADAPT_STEPS, decay=DECAY_STEPS)
    run(state, "twin", steps=CAUSAL_STEPS + ADAPT_STEPS, decay=DECAY_STEPS)


def keep(state: Path) -> None:
    """Keep the state that the causal stage has reached, for the twin to begin with."""
    kept = state / CAUSAL_STATE
    kept.mkdir(exist_ok=True)
    for name in (STATE_FILE, LOG_FILE):
        shutil.copy2(state / name, kept / name)


def run(state: Path, stage_name: str, *, steps: int, decay: int) -> None:
    """Train a stage to `steps` (counted over all its stages), resuming from its run's state."""
    stage = STAGES[stage_name]
    directory = state / stage.directory
    workers = Workers.join()
    if stage.begins_with and not directory.exists() and workers.rank == 0:
        shutil.copytree(state / stage.begins_with, directory)
    workers.meet()
    data = state / "data"
    torch.manual_seed(0)
    model = Backbone(text_configuration())
    plan = Plan(stage=stage_name, steps=steps, decay=decay, self_condition=stage.self_condition, bfloat16=bfloat16())
    train(model, batches(data, stage), plan, directory, workers=workers, evaluate=_evaluator(data))


def bfloat16() -> bool:
    """Whether the processor multiplies in bfloat16, several times faster than in float32."""
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


def batches(data: Path, stage: Stage) -> Batches:
    """A stage's batches, of the training split."""
    return Batches(
        code=np.load(data / "train.npy", mmap_mode="r"),
        frames=frames.load(data / "train-frames.npz"),
        long_frames=frames.load(data / "train-long.npz"),
        answers=frames.load(data / "train-answers.npz"),
        cycle=stage.cycle,
    )


def tuning_rows(data: Path) -> Tensor:
    """[batches, rows, ROW] ids of plain code of the tuning split."""
    code = np.load(data / "tuning.npy")[: EVALUATED_ROWS * ROW].astype(np.int64)
    return torch.from_numpy(code.reshape(-1, PLAIN_ROWS, ROW))


def left_to_right(objective: Objective, rows: Tensor) -> float:
    """The encoder's mean nats a token on `tuning_rows`."""
    generator = torch.Generator()
    return float(np.mean([objective(Batch.of_contexts(group), generator).causal.item() for group in rows]))


def _evaluator(data: Path) -> Callable[[Objective], Mapping[str, float]]:
    """Nats a token on the tuning split: plain code left to right, and holes in full noise."""
    rows = tuning_rows(data)
    held = frames.load(data / "tuning-frames.npz")
    groups = [list(range(i * MIXED_ROWS, (i + 1) * MIXED_ROWS)) for i in range(EVALUATED_ROWS // MIXED_ROWS)]

    def evaluate(objective: Objective) -> Mapping[str, float]:
        generator = torch.Generator().manual_seed(0)
        holes = [objective(own_holes(held, group), generator).canvas.item() for group in groups]
        return {"tuning_causal": left_to_right(objective, rows), "tuning_hole": float(np.mean(holes))}

    return evaluate
