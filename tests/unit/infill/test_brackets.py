"""What a text leaves open, and what it closes."""

from __future__ import annotations

import pytest

from infill.syntax.brackets import closing, opening


@pytest.mark.parametrize(
    ("text", "closers"),
    [
        ("foo([1, {", "}])"),
        ("foo(bar)", ""),
        ('x = "a(', '"'),
        ("x = 'it\\'s", "'"),
        # A line's end ends what is quoted, but no bracket.
        ("it's\nfoo(", ")"),
    ],
)
def test_what_is_open_is_closed_in_turn(text: str, closers: str) -> None:
    assert closing(text) == closers


@pytest.mark.parametrize(
    ("text", "language", "opened"),
    [
        ("x)\ny\n", "python", "("),
        ("a, b], c)\n", "python", "(["),
        ("foo(a)\n", "python", ""),
        # It begins within a string, of one line or of several.
        ("es')\nx = 1\n", "python", "('"),
        ('es.\n\n    """\n    return x\n', "python", '"""'),
        # What comments and strings hold does not count.
        ("x)  # (it's\ny\n", "python", "("),
        ("x); // (it's\ny\n", "go", "("),
        ("x, '(')\ny\n", "python", "("),
        ('x, "\\"(")\ny\n', "python", "("),
        # No string stays open.
        ("it's\n", "python", "'"),
        ('x = """\n', "python", '"""'),
        ("(]\n", "python", ""),
    ],
)
def test_what_a_text_closes_is_opened(text: str, language: str, opened: str) -> None:
    assert opening(text, language) == opened
