"""What is given up, level by level, where a GPU's memory runs out: half the prefilled contexts, half the rows.

Level 0 gives up nothing. Each level costs quality or speed, never an answer.
"""

from __future__ import annotations

from infill.length import Ladder

LAST_LEVEL = 3
LEAST_CONTEXT_TOKENS = 1024


def context_tokens(whole: int, level: int) -> int:
    """Tokens of prefilled contexts that are kept at a level, of those at level 0."""
    return max(min(whole, LEAST_CONTEXT_TOKENS), whole >> level)


def ladder(level: int) -> Ladder:
    """The lengths that are tried at a level."""
    whole = Ladder()
    return Ladder(line=whole.line[1::2], block=whole.block[1::2]) if level else whole


def notice(whole: int, level: int) -> str:
    """What the user is told."""
    kept = context_tokens(whole, level)
    return f"GPU memory ran short: keeping {kept:,} tokens of context and trying fewer lengths."
