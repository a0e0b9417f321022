"""Scores and order of candidates.

A candidate is judged by how likely the encoder, reading left to right, finds it and the text after it (Source: the
two-sided ranking in arXiv 2609.02108), by how sure the decoder was, and by the syntax errors it adds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.canvas import Floats, TokenIds
from infill.layout import Layout

# Tokens after each hole whose likelihood speaks for the hole's text; what follows hardly depends on it any more.
_SUFFIX_TOKENS = 12
# Nats of score that one nat of the decoder's mean entropy, or one added syntax error, costs.
_ENTROPY_COST = 0.25
_ERROR_COST = 0.5


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
