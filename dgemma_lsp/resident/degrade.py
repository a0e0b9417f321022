"""What is given up, level by level, where a GPU's memory runs out: half the prefilled contexts, half the rows.

Level 0 gives up nothing. Each level costs quality or speed, never an answer.
"""

from __future__ import annotations

from infill.profile import Lengths

LAST_LEVEL = 3
LEAST_CONTEXT_TOKENS = 1024


def context_tokens(whole: int, level: int) -> int:
    """Tokens of prefilled contexts that are kept at a level, of those at level 0."""
    return max(min(whole, LEAST_CONTEXT_TOKENS), whole >> level)


def lengths(whole: Lengths, level: int) -> Lengths:
    """The lengths that are tried at a level, of those at level 0: half as many at each, the longest of them always."""
    step = 1 << level
    return Lengths(
        within=whole.within[::-step][::-1],
        line=whole.line[::-step][::-1],
        block=whole.block[::-step][::-1],
        replaced=whole.replaced,
    )


def notice(whole: int, level: int) -> str:
    """What the user is told."""
    kept = context_tokens(whole, level)
    return f"GPU memory ran short: keeping {kept:,} tokens of context and trying fewer lengths."
