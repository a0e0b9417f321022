"""How texts begin alike, and how their lines end."""

from __future__ import annotations

import pytest

from infill.text.lines import common_ends, common_length, line_ending_at, to_line_feeds


@pytest.mark.parametrize(
    ("items", "others", "count"),
    [("abc", "abd", 2), ("abc", "abc", 3), ("abc", "ab", 2), ("", "a", 0), (["a\n", "b"], ["a\n", "c"], 1)],
)
def test_items_are_the_same_from_the_first_on(items: object, others: object, count: int) -> None:
    assert common_length(items, others) == count  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("items", "others", "ends"),
    [("abc", "axc", (1, 1)), ("aaa", "aa", (2, 0)), ("abc", "abc", (3, 0)), ("bc", "abc", (0, 2)), ("", "a", (0, 0))],
)
def test_no_item_counts_at_both_ends(items: str, others: str, ends: tuple[int, int]) -> None:
    assert common_ends(items, others) == ends


@pytest.mark.parametrize(
    ("marked", "ending"),
    [
        ("a|b\r\nc\n", "\r\n"),
        ("a\r\nb|\nc", "\n"),
        ("a\rb|\rc", "\r"),
        # Between the two halves of an ending, and on a last line without one.
        ("a\r|\nb\n", "\r\n"),
        ("a\r\nb\r\nc\nd|", "\r\n"),
        ("a|", "\n"),
        ("|", "\n"),
        ("|\r\n", "\r\n"),
        # At a line's beginning, where the one above ends otherwise.
        ("a\n|b\r\n", "\r\n"),
        ("a\r\n|\n", "\n"),
    ],
)
def test_the_line_ending_of_a_place(marked: str, ending: str) -> None:
    assert line_ending_at(marked.replace("|", ""), marked.index("|")) == ending


def test_the_model_sees_line_feeds() -> None:
    assert to_line_feeds("a\r\nb\rc\nd\n\r") == "a\nb\nc\nd\n\n"
