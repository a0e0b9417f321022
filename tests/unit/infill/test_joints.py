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
        ("x = a", "python", ""),
    ],
)
def test_what_may_end_a_left_side(before: str, language: str, end: str) -> None:
    assert best_ends(before, language, count=1) == [end]


@pytest.mark.parametrize(
    ("after", "lines", "head"),
    [
        ("b)\nc = 1\n", [], "("),
        ("a, b], c)\n", [], "(["),
        ("a as e:\n        pass\n", ["with f(a) as g:", "return a"], "    with "),
        ('its names."""\n    return a\n', [], '    """'),
    ],
)
def test_how_the_line_may_begin_that_a_right_side_ends(after: str, lines: list[str], head: str) -> None:
    assert best_heads(after, "python", lines=lines, count=1) == [head]


def test_pieces_over_two_lines_join_lines_that_belong_apart() -> None:
    pieces = list(over_lines("def f(self):\n    return self.", "name):\n        pass\n", "python"))
    assert any(piece.startswith("x\n") for piece in pieces)
