"""Scores and order of candidates.

A candidate is judged by how likely the encoder, reading left to right, finds it and the text after it (Source: the
two-sided ranking in arXiv 2609.02108), by how sure the decoder was, and by the syntax errors it adds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np

from engine.canvas import Denoiser, Floats, TokenIds
from infill.layout import Layout
from infill.tokens import TextTokens

# Tokens after the last hole whose likelihood speaks for the text in it; what follows hardly depends on it any more.
_SUFFIX_TOKENS = 4
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

    likelihood: of the log-probability of the text and what follows it. entropy, error: nats that one nat of the
    decoder's mean entropy, and one added syntax error, cost.
    """

    likelihood: float = 1.0
    entropy: float = 1.0
    error: float = 60.0


def scores_sanely(denoiser: Denoiser, tokens: TextTokens) -> bool:
    """Whether a checkpoint's encoder can judge a text left to right at all: a diffusion model need not have been
    trained to, and candidates are then ranked without it."""
    ids = tokens.encode(_SAMPLE)
    with denoiser.prefill(np.array([tokens.control.bos], np.int32)) as context:
        forwards, backwards = denoiser.score(context, [ids, np.ascontiguousarray(ids[::-1])])
    return bool(-forwards.mean() < _SANE_SHARE * log(tokens.size) and forwards.mean() > backwards.mean())


def scored_row(layout: Layout, middles: Sequence[TokenIds]) -> TokenIds:
    """The tokens to be scored for a candidate, [N] int32: the canvas as far as its score needs it."""
    end = layout.spans([len(middle) for middle in middles])[-1].stop
    return layout.filled(middles).token_ids[: end + _SUFFIX_TOKENS]


def likelihood(layout: Layout, middles: Sequence[TokenIds], log_probs: Floats) -> float:
    """How likely the file is with a candidate in it, nats, 0 at best: the sum from its first token on, so that texts of
    different lengths compare.

    log_probs: [N] nats, of the tokens of its `scored_row`.
    """
    first = layout.spans([len(middle) for middle in middles])[0].start
    return float(log_probs[first:].sum())


def certainty(*, mean_entropy: float, added_errors: int, weights: Weights) -> float:
    """The part of a score that needs no forward, 0 at best: what doubt and broken syntax cost, in nats."""
    return -weights.entropy * mean_entropy - weights.error * added_errors


def is_hopeless(score: float, best: float) -> bool:
    """Whether what is sure of a score leaves it so far behind the best that its likelihood need not be known."""
    return score < best - _MOST_LEAD
