"""How much of everything is made: the checkpoint that ships, or one that only shows that its making works."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.nano.sources import Split


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """packages: read beside the standard library. documents: the most of a split; None for all.

    cases, renames, rewrites, edits: held out and for tuning. frames: of requests, by split. The steps are those of the
    stages, and of the decays at their ends, when everything is made in one go. evaluated_rows: of tuning code, and as
    many frames, on which losses are measured on the way. compiled: worth its minutes in a run of hours.
    """

    packages: bool
    documents: int | None
    cases: Mapping[Split, int]
    renames: Mapping[Split, int]
    rewrites: Mapping[Split, int]
    edits: Mapping[Split, int]
    frames: Mapping[Split, int]
    causal_steps: int
    recall_steps: int
    adapt_steps: int
    decay_steps: int
    twin_steps: int
    twin_decay_steps: int
    evaluated_rows: int
    compiled: bool


FULL = Scale(
    packages=True,
    documents=None,
    cases={"heldout": 1000, "tuning": 200},
    renames={"heldout": 500, "tuning": 200},
    rewrites={"heldout": 400, "tuning": 100},
    edits={"heldout": 500, "tuning": 140},
    frames={"tuning": 400, "train": 44_000},
    causal_steps=5_000,
    recall_steps=500,
    adapt_steps=7_000,
    decay_steps=1_500,
    twin_steps=1_250,
    twin_decay_steps=250,
    evaluated_rows=32,
    compiled=True,
)
SMALL = Scale(
    packages=False,
    documents=4,
    cases={"heldout": 4, "tuning": 2},
    renames={"heldout": 4, "tuning": 2},
    rewrites={"heldout": 4, "tuning": 2},
    edits={"heldout": 4, "tuning": 2},
    frames={"tuning": 8, "train": 40},
    causal_steps=1,
    recall_steps=1,
    adapt_steps=2,
    decay_steps=1,
    twin_steps=1,
    twin_decay_steps=0,
    evaluated_rows=8,
    compiled=False,
)
