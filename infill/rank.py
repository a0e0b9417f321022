"""Scores and order of candidates.

A candidate is judged by how likely the encoder, reading left to right, finds it and what comes after it (Source: the
two-sided ranking in arXiv 2609.02108), and by the syntax errors it adds; until the encoder has read it, by how sure the
decoder was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np

from engine.canvas import Denoiser, RowScores, TokenIds
from infill.layout import Layout
from infill.tokens import TextTokens

# Nats by which one text is hardly ever likelier than another that a model wrote in the same place.
_MOST_LEAD = 50.0
# What any model of code that reads left to right expects better than chance, and better than the same backwards.
_SAMPLE = '''\
import os
import sys


def main(argv=None):
    """Print the names of the files in a directory."""
    path = argv[0] if argv else "."
    for name in sorted(os.listdir(path)):
        if name.startswith("."):
            continue
        print(name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
'''
# Of the nats that a guess among all ids costs.
_SANE_SHARE = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What counts for how much in a candidate's score.

    likelihood: of the log-probability of the text and what follows it. error: nats that one added syntax error costs.
    entropy: nats that one nat of the decoder's mean entropy costs where there is no such log-probability; where there
    is one, it is better without. damage: nats that a text costs which does any in the whole window. misplaced: nats
    that a text costs which repeats a line next to it or gives what stands on its right to another statement.
    unknown_word: nats that a word costs which nobody knows; a model that is sure of one has its way.
    """

    likelihood: float = 1.0
    entropy: float = 1.0
    error: float = 60.0
    damage: float = 10.0
    misplaced: float = 30.0
    unknown_word: float = 8.0


def scores_sanely(denoiser: Denoiser, tokens: TextTokens) -> bool:
    """Whether a checkpoint's encoder can judge a text left to right at all: a diffusion model need not have been
    trained to, and candidates are then ranked without it."""
    ids = tokens.encode(_SAMPLE)
    with denoiser.prefill(np.array([tokens.control.bos], np.int32)) as context:
        scores = denoiser.score(context, [ids, np.ascontiguousarray(ids[::-1])])
    forwards, backwards = (row.log_probs for row in scores.rows)
    return bool(-forwards.mean() < _SANE_SHARE * log(tokens.size) and forwards.mean() > backwards.mean())


def scored_row(layout: Layout, middles: Sequence[TokenIds]) -> TokenIds:
    """The tokens to be scored for the texts of the first holes, [N] int32: the canvas up to the one after the last of
    them, which tells whether the text may end there."""
    runs = [ids for run, middle in zip(layout.clamped, middles, strict=False) for ids in (run, middle)]
    return np.concatenate([*runs, [id_after(layout, len(middles) - 1)]]).astype(np.int32)


def id_after(layout: Layout, hole: int) -> int:
    """The token after a hole; where there is none, a line's end."""
    run = layout.clamped[hole + 1]
    return int(run[0] if len(run) else layout.tokens.encode("\n")[0])


def likelihood(scores: RowScores) -> float:
    """How likely the file is with a candidate in it, nats, 0 at best: the sum from its first token on, so that texts of
    different lengths compare. scores: of its `scored_row` from there on."""
    return float(scores.log_probs.sum())


def unread_score(*, mean_entropy: float, added_errors: int, weights: Weights) -> float:
    """What a candidate is worth that the encoder has not read, nats, 0 at best."""
    return -weights.entropy * mean_entropy - weights.error * added_errors


def read_score(log_prob: float, *, added_errors: int, weights: Weights) -> float:
    """What a candidate is worth of this `likelihood`, nats, 0 at best."""
    return weights.likelihood * log_prob - weights.error * added_errors


def is_hopeless(score: float, best: float) -> bool:
    """Whether an unread score is so far behind the best that its likelihood need not be known."""
    return score < best - _MOST_LEAD
