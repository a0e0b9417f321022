"""Corpus to what training reads: tokenizer, id arrays, frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.nano import corpus, frames, tokenizer
from bench.nano.corpus import Document, Split
from infill.tokens import TextTokens

FRAMES: dict[Split, int] = {"tuning": 400, "train": 24_000}


def make_tokenizer(state: Path) -> None:
    """Train the tokenizer on the training split into `state/tokenizer`."""
    texts = (document.text for document in corpus.read(state / "corpus", "train"))
    tokenizer.save(tokenizer.train(texts), state / "tokenizer")


def make_arrays(state: Path) -> None:
    """Write `state/data`: every split's ids, and frames of the training and tuning splits."""
    tokens = TextTokens.load(state / "tokenizer")
    data = state / "data"
    data.mkdir(exist_ok=True)
    for seed, split in enumerate(corpus.SPLITS):
        documents = corpus.read(state / "corpus", split)
        np.save(data / f"{split}.npy", encoded(documents, tokens))
        if split in FRAMES:
            frames.save(frames.build(documents, tokens, FRAMES[split], seed=seed), data / f"{split}-frames.npz")


def encoded(documents: Sequence[Document], tokens: TextTokens) -> NDArray[np.uint16]:
    """The documents' ids one after the other, each between bos and eos."""
    bos, eos = ([control] for control in (tokens.control.bos, tokens.control.eos))
    return np.concatenate([np.array([*bos, *tokens.encode(document.text), *eos], np.uint16) for document in documents])
