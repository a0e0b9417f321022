"""Scores and order of candidates.

A candidate is judged by how likely the encoder, reading left to right, finds it and the text after it (Source: the
two-sided ranking in arXiv 2609.02108), by how sure the decoder was, and by the syntax errors it adds.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log

import numpy as np

from engine.canvas import Denoiser, Floats, TokenIds
from infill.layout import Layout
from infill.tokens import TextTokens

# Tokens after each hole whose likelihood speaks for the hole's text; what follows hardly depends on it any more.
_SUFFIX_TOKENS = 12
# Nats of score that one nat of the decoder's mean entropy, or one added syntax error, costs.
_ENTROPY_COST = 0.25
_ERROR_COST = 0.5
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
    """How well a candidate reads, nats: half its tokens' mean log-probability, half that of the tokens after it.

    log_probs: [N] nats, of the tokens of its `scored_row`.
    """
    spans = layout.spans([len(middle) for middle in middles])
    held = np.concatenate([log_probs[span] for span in spans])
    after = np.concatenate([log_probs[span.stop : span.stop + _SUFFIX_TOKENS] for span in spans])
    return float(np.mean([part.mean() for part in (held, after) if part.size]))


def certainty(*, mean_entropy: float, added_errors: int) -> float:
    """The part of a score that needs no forward, 0 at best: what doubt and broken syntax cost, in nats."""
    return -_ENTROPY_COST * mean_entropy - _ERROR_COST * added_errors
