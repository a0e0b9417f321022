"""What is given up, level by level, where a GPU's memory runs out: half the prefilled contexts, half the rows.

Level 0 gives up nothing. Each level costs quality or speed, never an answer.
"""

from __future__ import annotations

from dataclasses import replace

from infill.profile import Lengths, Profile

LAST_LEVEL = 3
LEAST_CONTEXT_TOKENS = 1024


def context_tokens(whole: int, level: int) -> int:
    """Tokens of prefilled contexts that are kept at a level, of those at level 0."""
    return max(min(whole, LEAST_CONTEXT_TOKENS), whole >> level)


def profile(whole: Profile, level: int) -> Profile:
    """The profile at a level: half as many lengths are tried as at the one before, the longest of them always."""
    step, own = 1 << level, whole.lengths
    lengths = Lengths(
        within=own.within[::-step][::-1],
        line=own.line[::-step][::-1],
        block=own.block[::-step][::-1],
        replaced=own.replaced[::-step][::-1],
    )
    return replace(whole, lengths=lengths, edits=replace(whole.edits, lengths=whole.edits.lengths[::-step][::-1]))


def notice(whole: int, level: int) -> str:
    """What the user is told."""
    kept = context_tokens(whole, level)
    return f"GPU memory ran short: keeping {kept:,} tokens of context and trying fewer lengths."
