"""Shapes of about as many parameters as the shipped one, in runs of equal CPU time on plain code, and what they reach.

What a token is differs with the vocabulary, so that shapes are compared by nats a character of the same text, and by
the share of its lines that greedy decoding writes whole from what precedes them.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.machine import machine
from bench.nano import corpus, preparation, tokenizer, training
from bench.nano.batches import PLAIN_ROWS, ROW, scattered_row
from bench.nano.corpus import Document
from bench.nano.shape import text_configuration
from bench.nano.tokenizer import VOCABULARY_SIZE
from engine.train.loop import Run, TrainingPlan, update
from engine.train.model import TrainableBackbone
from engine.train.objective import Objective, TrainingBatch
from engine.train.optimizer import optimizers
from engine.train.precision import multiplies_bfloat16
from infill.text.tokens import TextTokens

FILE = Path(__file__).with_name("shapes.json")
MINUTES = 12.0
READ_CHARACTERS = 16_000_000
"""Of the training split, more than any run gets through."""
MEASURED_CHARACTERS = 200_000
"""Of the tuning split."""
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

    @property
    def vocabulary(self) -> int:
        """Pieces of its tokenizer."""
        return self.changes.get("vocab_size", VOCABULARY_SIZE)


SHIPPED = Shape(words="shipped: 6 layers of 256, dense 256, 2 of 8 experts of 128, 8,192 pieces")
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
    Shape(words="more pieces: 12,288", changes={"vocab_size": 12_288}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """The same code in the ids of one vocabulary.

    read: [N] what is trained on. measured: [batches, rows, ROW] what shapes are measured on, consecutive rows of one
    text. lines: the line that each id of it belongs to; one that breaks it, to the line that it ends. characters: an
    id of it has, in the mean.
    """

    read: NDArray[np.uint16]
    measured: Tensor
    lines: Tensor
    characters: float

    @classmethod
    def of(cls, tokens: TextTokens, read: Sequence[Document], measured: Sequence[Document]) -> Code:
        """Of documents to train on and to measure on, `MEASURED_CHARACTERS` of the latter."""
        text = "".join(document.text for document in measured)[:MEASURED_CHARACTERS]
        ids = np.array(tokens.encode(text), np.int64)
        ids = ids[: len(ids) // (PLAIN_ROWS * ROW) * PLAIN_ROWS * ROW]
        pieces = tokens.decode_pieces(ids.tolist())
        breaks = np.array([0, *("\n" in piece for piece in pieces[:-1])])
        return cls(
            read=preparation.encoded(read, tokens),
            measured=torch.from_numpy(ids).view(-1, PLAIN_ROWS, ROW),
            lines=torch.from_numpy(breaks.cumsum()).view(-1, PLAIN_ROWS, ROW),
            characters=sum(map(len, pieces)) / len(ids),
        )

    def batch(self, step: int) -> TrainingBatch:
        """[PLAIN_ROWS, ROW] ids of a step."""
        ids = np.stack([scattered_row(self.read, step * PLAIN_ROWS + row, ROW) for row in range(PLAIN_ROWS)])
        return TrainingBatch.of_contexts(torch.from_numpy(ids.astype(np.int64)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """Where a shape's run ended. tokens: seen. nats: a character of the tuning split, left to right. lines: the share
    of its lines that are written whole."""

    words: str
    parameters: int
    steps: int
    tokens: int
    nats: float
    lines: float

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

    def __init__(self, shape: Shape, code: Code, *, compiled: bool = True) -> None:
        torch.manual_seed(shape.seed)
        self._words, self._code, self._plan = shape.words, code, TrainingPlan(steps=0)
        model = TrainableBackbone(text_configuration(**shape.changes))
        self._objective = Objective(model, compiled=compiled, bfloat16=multiplies_bfloat16())
        self._steppers = optimizers(model, muon_lr=self._plan.muon_lr, adam_lr=self._plan.adam_lr)
        self._run = Run()
        if compiled:
            # A long run compiles once, so that the time it takes tells nothing about the shape.
            self._objective(code.batch(0), torch.Generator()).total.backward()
            model.zero_grad(set_to_none=True)

    def advance(self, until: float, budget: float) -> None:
        """Train up to `until` seconds of CPU time, of `budget` in all. What other programs take does not count."""
        run = self._run
        while run.seconds < until:
            started = time.process_time()
            batch = self._code.batch(run.step)
            factor = min(1.0, (run.step + 1) / _WARM_UP, (1 - run.seconds / budget) / _DECAY)
            update(self._objective, batch, self._steppers, self._plan, run.step, factor)
            run.step += 1
            run.tokens += batch.token_count
            run.seconds += time.process_time() - started

    @torch.no_grad()
    def reached(self) -> Reached:
        """Measure it."""
        following = torch.stack([self._objective.following(rows) for rows in self._code.measured])
        return Reached(
            words=self._words,
            parameters=sum(parameter.numel() for parameter in self._objective.model.parameters()),
            steps=self._run.step,
            tokens=self._run.tokens,
            nats=training.left_to_right(self._objective, self._code.measured) / self._code.characters,
            lines=whole_lines(following, self._code),
        )


def whole_lines(following: Tensor, code: Code) -> float:
    """The share of the lines of what is measured, each with its end, all ids of which are the likeliest after those
    before them. following: as `code.measured`, the likeliest id after each. A line at a row's beginning is left out,
    with those of its ids that the row before has: the first id of a row has none before it."""
    wrong = torch.ones_like(code.measured, dtype=torch.bool)
    wrong[..., 1:] = following[..., :-1] != code.measured[..., 1:]
    inner = ~torch.isin(code.lines, code.lines[..., 0])
    inner &= code.lines != code.lines[-1, -1, -1]  # It may be cut.
    lines = code.lines[inner]
    return 1 - len(lines[wrong[inner]].unique()) / len(lines.unique())


def run(state: Path, *, minutes: float) -> None:
    """Compare `SHAPES`, each for `minutes` of CPU time, on a corpus; print what they reach and keep it."""
    # Threads that wait for one another spin, and that would count.
    torch.set_num_threads(1)
    documents, measured = (corpus.read(state / "corpus", split) for split in ("train", "tuning"))
    read = _some(documents)
    vocabularies = {shape.vocabulary for shape in SHAPES}
    codes = {size: Code.of(_tokens(state, size, documents), read, measured) for size in vocabularies}
    racers = [Racer(shape, codes[shape.vocabulary]) for shape in SHAPES]
    race(racers, seconds=minutes * 60)
    comparison = Comparison(
        seconds=minutes * 60,
        machine=machine("cpu"),
        torch=torch.__version__.partition("+")[0],
        reached=tuple(racer.reached() for racer in racers),
    )
    for reached in comparison.reached:
        print(
            f"{reached.words}: {reached.parameters:,} parameters, {reached.mebibytes:.1f} MiB, {reached.steps} steps, "
            f"{reached.tokens:,} tokens, {reached.nats:.4f} nats a character, {reached.lines:.1%} of the lines whole"
        )
    comparison.write()


def _some(documents: Sequence[Document]) -> list[Document]:
    """Documents at random, `READ_CHARACTERS` of them, the same ones for every vocabulary."""
    shuffled = random.Random(0).sample(documents, len(documents))
    characters = accumulate(len(document.text) for document in shuffled)
    return [document for document, end in zip(shuffled, characters, strict=True) if end <= READ_CHARACTERS]


def _tokens(state: Path, vocabulary: int, documents: Sequence[Document]) -> TextTokens:
    """The tokenizer of so many pieces, trained where there is none."""
    directory = state / ("tokenizer" if vocabulary == VOCABULARY_SIZE else f"tokenizer-{vocabulary}")
    if not directory.exists():
        tokenizer.save(tokenizer.train((document.text for document in documents), vocabulary), directory)
    return TextTokens.load(directory)


def race(racers: Sequence[Racer], *, seconds: float) -> None:
    """Train all, each for `seconds` of CPU time, in turns: what slows the machine down for a while slows all alike."""
    for turn in range(1, _TURNS + 1):
        for racer in racers:
            racer.advance(seconds * turn / _TURNS, seconds)
