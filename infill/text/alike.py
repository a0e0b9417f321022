"""How much two sequences have in common."""

from __future__ import annotations

from collections.abc import Iterable


def common_length(items: Iterable[object], others: Iterable[object]) -> int:
    """How many items are the same, from the first on."""
    count = 0
    for item, other in zip(items, others, strict=False):
        if item != other:
            break
        count += 1
    return count
