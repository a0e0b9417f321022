"""What the model card states, measured on held-out packages only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bench.answers import Answer, AnswerFile, fingerprint
from bench.cases import OWN_SPLITS, Case, load
from bench.methods import Model
from bench.nano import heldout_renames
from bench.nano.batches import ROW
from bench.nano.example import Example
from bench.nano.kneser_ney import KneserNey
from bench.nano.shape import text_configuration
from engine.train.loop import STATE_FILE
from engine.train.model import TrainableBackbone
from engine.train.objective import Objective, TrainingBatch
from infill.prompt.layout import lay_out
from infill.request import Rejection

CAUSAL_ROWS = 256
NGRAM_ORDERS = (2, 5)
SHORT_TOKENS = 4
_BATCH_ROWS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class CausalNats:
    """Cross-entropies, nats a token, on the same held-out tokens. ngrams: by order."""

    tokens: int
    encoder: float
    ngrams: dict[int, float]


def causal_nats(state: Path, run: Path) -> CausalNats:
    """The encoder's, of a training run, against Kneser-Ney's, on the first `CAUSAL_ROWS` rows of held-out code.

    The encoder starts each row of `ROW` tokens afresh, and its first token is not scored for either; the n-grams see
    the whole text before each token.
    """
    code = np.load(state / "data" / "heldout.npy")
    held = code[: min(CAUSAL_ROWS, len(code) // ROW // _BATCH_ROWS * _BATCH_ROWS) * ROW]
    scored = np.arange(len(held)) % ROW > 0
    model = TrainableBackbone(text_configuration())
    # The figure is of the exported weights, which are bfloat16.
    weights = torch.load(run / STATE_FILE, weights_only=True)["model"]
    model.load_state_dict({name: tensor.bfloat16().float() for name, tensor in weights.items()})
    objective = Objective(model)
    rows = torch.from_numpy(held.astype(np.int64).reshape(-1, _BATCH_ROWS, ROW))
    with torch.no_grad():
        nats = [objective(TrainingBatch.of_contexts(group), torch.Generator()).causal.item() for group in rows]
    return CausalNats(tokens=int(scored.sum()), encoder=float(np.mean(nats)), ngrams=_ngram_nats(state, held, scored))


def _ngram_nats(state: Path, held: NDArray[np.uint16], scored: NDArray[np.bool_]) -> dict[int, float]:
    """By order; kept in `state/ngrams.json`, since they depend on the data alone and take minutes."""
    kept = state / "ngrams.json"
    if not kept.exists():
        train, vocabulary = np.load(state / "data" / "train.npy"), text_configuration().vocab_size
        models = ((order, KneserNey(train, order=order, vocabulary=vocabulary)) for order in NGRAM_ORDERS)
        kept.write_text(json.dumps({order: float(model.nats(held)[scored].mean()) for order, model in models}))
    return {int(order): nats for order, nats in json.loads(kept.read_text()).items()}


@dataclass(frozen=True, slots=True)
class Share:
    """How many of `n` came out exactly right."""

    right: int
    n: int

    @classmethod
    def of(cls, right: Sequence[bool]) -> Share:
        """The share of what is true."""
        return cls(sum(right), len(right))


@dataclass(frozen=True, slots=True, kw_only=True)
class Exactness:
    """Held-out holes of a split that came out exactly right at their true length: all, and those of four tokens or
    fewer."""

    split: str
    every: Share
    short: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a checkpoint gets right. renames: told in words, at their true length."""

    exact: tuple[Exactness, ...]
    renames: Share


def figures(directory: Path, limit: int, answers: Path | None) -> Figures:
    """Measure a checkpoint on the first `limit` cases of each held-out split, and as many renames. answers: a file that
    `bench.quality` keeps, too."""
    model = Model(directory, "cpu")
    kept = AnswerFile(answers, fingerprint(directory))
    exact = tuple(_exactness(model, split, limit, kept) for split in OWN_SPLITS)
    return Figures(exact=exact, renames=_renamed(model, heldout_renames.read()[:limit], kept))


def _exactness(model: Model, split: str, limit: int, kept: AnswerFile) -> Exactness:
    cases = load(split)[:limit]
    answers = kept.answered(split, "oracle", {case.name: case for case in cases}, model.oracle)
    right = [answer.middle == case.truth for answer, case in zip(answers, cases, strict=True)]
    short = [was for was, case in zip(right, cases, strict=True) if model.true_length(case) <= SHORT_TOKENS]
    return Exactness(split=split, every=Share.of(right), short=Share.of(short))


def _renamed(model: Model, rewrites: Sequence[Example], kept: AnswerFile) -> Share:
    """How many rewrites come out right at the answer's length."""
    named = {str(number): example for number, example in enumerate(rewrites)}
    answers = kept.answered("renames", "oracle", named, partial(rewritten_at_length, model))
    return Share.of([(answer.middle,) == example.answers for answer, example in zip(answers, rewrites, strict=True)])


def rewritten_at_length(model: Model, example: Example) -> Answer:
    """What a checkpoint makes of an example of one hole at the answer's length."""
    layout = lay_out(example.request, model.tokens, model.profile.window)
    if isinstance(layout, Rejection):
        return Answer(middle=None, passes=0, token_positions=0, ms=0.0)
    [answer] = layout.encode_middles(example.answers)
    return model.at_length(example.request, len(answer))


def examples(directory: Path, count: int) -> Iterator[tuple[Case, Answer]]:
    """The first held-out single-line cases and what the checkpoint writes there at the true length."""
    model = Model(directory, "cpu")
    for case in load("single")[:count]:
        yield case, model.oracle(case)
