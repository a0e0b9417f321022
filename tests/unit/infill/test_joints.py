"""What ends the left side of a hole, and begins its right one."""

from __future__ import annotations

import pytest

from infill.syntax.joints import best_ends, best_heads, bracketed, over_lines


@pytest.mark.parametrize(
    ("marked", "piece"),
    [
        ("x = foo(a, ‸\n\ny = 1\n", "x)"),
        ("f(\n    (a\n    ‸\n)\n", "),"),
        ("‸\n    a,\n]\n", "x = ["),
        ("d = {\n    'a‸\n        1,\n    ],\n}\n", "x': ["),
        ("log('from ‸\n    a,\n    b)\n", "x',"),
        # What both sides leave open together is whole as it is.
        ("foo(‸)\n", None),
    ],
)
def test_a_piece_closes_what_is_open_and_opens_what_is_closed(marked: str, piece: str | None) -> None:
    before, after = marked.split("‸")
    pieces = list(bracketed(before, after, "python"))
    assert piece in pieces if piece else not pieces


@pytest.mark.parametrize(
    ("before", "language", "end"),
    [
        ("x = foo(a", "python", ")"),
        ("def f(a", "python", "):"),
        ("def f", "python", "():"),
        ("f(a", "javascript", ")"),
    ],
)
def test_what_may_end_a_left_side(before: str, language: str, end: str) -> None:
    assert best_ends(before, language, count=2) == ["", end]


@pytest.mark.parametrize(
    ("before", "after", "head"),
    [
        ("x", "b)\nc = 1\n", "("),
        ("x", "a, b], c)\n", "(["),
        ("with f(a) as g:\n    return a\nx", "a as e:\n        pass\n", "    with "),
        ("x", 'its names."""\n    return a\n', '    """'),
        # It brings some of its blanks.
        ("def f():\n    x", "  b = 1\n    c = 1\n", "  "),
    ],
)
def test_how_the_line_may_begin_that_a_right_side_ends(before: str, after: str, head: str) -> None:
    assert best_heads(before, after, "python", count=1) == [head]


def test_pieces_over_two_lines_join_lines_that_belong_apart() -> None:
    pieces = list(over_lines("def f(self):\n    return self.", "name):\n        pass\n", "python"))
    assert any(piece.startswith("x\n") for piece in pieces)
