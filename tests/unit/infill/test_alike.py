"""How much two sequences have in common."""

from __future__ import annotations

import pytest

from infill.text.alike import common_length


@pytest.mark.parametrize(
    ("items", "others", "count"),
    [("abc", "abd", 2), ("abc", "abc", 3), ("abc", "ab", 2), ("", "a", 0), (["a\n", "b"], ["a\n", "c"], 1)],
)
def test_items_are_the_same_from_the_first_on(items: object, others: object, count: int) -> None:
    assert common_length(items, others) == count  # pyright: ignore[reportArgumentType]
