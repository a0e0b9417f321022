"""Whether a checkpoint's encoder can judge code left to right at all."""

from __future__ import annotations

from math import log

import numpy as np

from engine.canvas import Denoiser, ScoreQuery
from infill.text.tokens import TextTokens

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
        backwards = np.ascontiguousarray(ids[::-1])
        scores = denoiser.reader(context).read([ScoreQuery(token_ids=row) for row in (ids, backwards)])
    forwards, backwards = (row.log_probs for row in scores)
    return bool(-forwards.mean() < _SANE_SHARE * log(tokens.size) and forwards.mean() > backwards.mean())
