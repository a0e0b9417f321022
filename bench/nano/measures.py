"""What the model card states, measured on held-out packages only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bench.cases import Case, load
from bench.methods import Answer, Model
from bench.nano.batches import ROW
from bench.nano.kneser_ney import KneserNey
from bench.nano.shape import text_configuration
from engine.train.model import Backbone
from engine.train.objective import Batch, Objective

CAUSAL_ROWS = 256
NGRAM_ORDERS = (2, 5)
_BATCH_ROWS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class CausalNats:
    """Cross-entropies, nats a token, on the same held-out tokens. ngrams: by order."""

    tokens: int
    encoder: float
    ngrams: dict[int, float]


def causal_nats(state: Path) -> CausalNats:
    """The encoder's against Kneser-Ney's, on the first `CAUSAL_ROWS` rows of held-out code.

    The encoder starts each row of `ROW` tokens afresh, and its first token is not scored for either; the n-grams see
    the whole text before each token.
    """
    held = np.load(state / "data" / "heldout.npy")[: CAUSAL_ROWS * ROW]
    scored = np.arange(len(held)) % ROW > 0
    model = Backbone(text_configuration())
    # The figure is of the exported weights, which are bfloat16.
    weights = torch.load(state / "state.pt", weights_only=True)["model"]
    model.load_state_dict({name: tensor.bfloat16().float() for name, tensor in weights.items()})
    objective = Objective(model)
    rows = torch.from_numpy(held.astype(np.int64).reshape(-1, _BATCH_ROWS, ROW))
    with torch.no_grad():
        nats = [objective(Batch.of_contexts(group), torch.Generator()).causal.item() for group in rows]
    return CausalNats(tokens=int(scored.sum()), encoder=float(np.mean(nats)), ngrams=_ngram_nats(state, held, scored))


def _ngram_nats(state: Path, held: NDArray[np.uint16], scored: NDArray[np.bool_]) -> dict[int, float]:
    """By order; kept in `state/ngrams.json`, since they depend on the data alone and take minutes."""
    kept = state / "ngrams.json"
    if not kept.exists():
        train, vocabulary = np.load(state / "data" / "train.npy"), text_configuration().vocab_size
        models = ((order, KneserNey(train, order=order, vocabulary=vocabulary)) for order in NGRAM_ORDERS)
        kept.write_text(json.dumps({order: float(model.nats(held)[scored].mean()) for order, model in models}))
    return {int(order): nats for order, nats in json.loads(kept.read_text()).items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exactness:
    """How many of `n` held-out holes came out exactly right at their true length; short: those of four tokens or
    fewer."""

    split: str
    n: int
    right: int
    n_short: int
    right_short: int


def exactness(directory: Path, split: str, limit: int) -> Exactness:
    """Exact matches of a checkpoint on the first cases of a held-out split."""
    model = Model(directory, "cpu")
    cases = load(split)[:limit]
    right = [model.oracle(case).middle == case.truth for case in cases]
    short = [model.true_length(case) <= 4 for case in cases]
    return Exactness(
        split=split,
        n=len(cases),
        right=sum(right),
        n_short=sum(short),
        right_short=sum(a and b for a, b in zip(right, short, strict=True)),
    )


def examples(directory: Path, count: int) -> Iterator[tuple[Case, Answer]]:
    """The first held-out single-line cases and what the checkpoint writes there at the true length."""
    model = Model(directory, "cpu")
    cases: Sequence[Case] = load("single")[:count]
    for case in cases:
        yield case, model.oracle(case)
