"""Corpus to what training reads: tokenizer, id arrays, frames."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.edits.follow.case import lines_of, path_of
from bench.edits.follow.draw import draw
from bench.nano import answers, corpus, frames, heldout, heldout_renames, heldout_rewrites, tokenizer
from bench.nano.corpus import Document
from bench.nano.export import TOKENIZER_FILES
from bench.nano.mixture import examples
from bench.nano.scale import FULL, Scale
from bench.nano.sources import SPLITS
from engine.nano import DIRECTORY
from infill.text.tokens import TextTokens

LONG_SHARE, ANSWER_SHARE = 0.05, 0.4
"""Of as many as there are frames of requests: frames with long contexts, and question-and-answer frames."""


def make_tokenizer(state: Path) -> None:
    """Train the tokenizer on the training split into `state/tokenizer`."""
    texts = (document.text for document in corpus.read(state / "corpus", "train"))
    tokenizer.save(tokenizer.train(texts), state / "tokenizer")


def keep_tokenizer(state: Path) -> None:
    """Put the tokenizer that ships into `state/tokenizer`, where there is none: other weights of the same shape, and
    figures per token, go with the same pieces."""
    directory = state / "tokenizer"
    directory.mkdir(parents=True, exist_ok=True)
    for name in TOKENIZER_FILES:
        if not (directory / name).exists():
            shutil.copy(DIRECTORY / name, directory / name)


def make_held_out(state: Path, data: Path, scale: Scale = FULL) -> None:
    """Draw the fixed cases, of infilling, renames, rewrites and edits that follow, into the folder `data`."""
    tokens = TextTokens.load(state / "tokenizer")
    for seed, (split, count) in enumerate(scale.cases.items()):
        documents = corpus.read(state / "corpus", split)
        heldout.write(heldout.cases(documents, count, seed), data / f"{split}.jsonl.gz")
        renames = heldout_renames.draw(documents, tokens, scale.renames[split], seed)
        heldout.write(renames, heldout_renames.path_of(split, data))
        rewrites = heldout_rewrites.draw(documents, scale.rewrites[split], seed)
        heldout.write(rewrites, heldout_rewrites.path_of(split, data))
        edits = draw(documents, scale.edits[split], seed)
        heldout.write(lines_of(edits), path_of(split, data))


def make_arrays(state: Path) -> None:
    """Write every split's ids to `state/data`."""
    tokens = TextTokens.load(state / "tokenizer")
    data = state / "data"
    data.mkdir(exist_ok=True)
    for split in SPLITS:
        np.save(data / f"{split}.npy", encoded(corpus.read(state / "corpus", split), tokens))


def make_frames(state: Path, scale: Scale = FULL) -> None:
    """Write frames of the training and tuning splits to `state/data`: `{split}-frames.npz`, `{split}-long.npz` and
    `{split}-answers.npz`."""
    tokens = TextTokens.load(state / "tokenizer")
    for seed, (split, count) in enumerate(scale.frames.items()):
        documents = corpus.read(state / "corpus", split)
        requests = (frames.frame_of(example, tokens) for example in examples(documents, seed))
        long = (frames.frame_of(example, tokens, frames.LONG_BUDGET) for example in examples(documents, seed + 100))
        asked = answers.draw(documents, tokens, seed)
        made = {
            "frames": frames.collect(requests, count),
            "long": frames.collect(long, max(1, round(count * LONG_SHARE)), least=frames.LONG_LEAST),
            "answers": frames.collect(asked, round(count * ANSWER_SHARE)),
        }
        for name, drawn in made.items():
            frames.save(drawn, state / "data" / f"{split}-{name}.npz")


def encoded(documents: Sequence[Document], tokens: TextTokens) -> NDArray[np.uint16]:
    """The documents' ids one after the other, each between bos and eos."""
    bos, eos = ([control] for control in (tokens.control.bos, tokens.control.eos))
    return np.concatenate([np.array([*bos, *tokens.encode(document.text), *eos], np.uint16) for document in documents])
