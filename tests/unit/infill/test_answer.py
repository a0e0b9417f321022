"""Which texts are offered once."""

from __future__ import annotations

import pytest

from infill.answer import spelled


@pytest.mark.parametrize(
    ("before", "text", "other", "after", "same"),
    [
        ("\n    ", "return 1", " return 1", "\n", True),
        ("x = ", "f(a,b)", "f(a, b)", "\n", True),
        ("x = ", "a\n    .b()", "a.b()", "\n", True),
        ("return", "x", " x", "\n", False),
        ("x = ", "a b", "ab", "\n", False),
        ("x = ", "a", "a ", "if b", False),
    ],
)
def test_what_differs_in_blanks_only(before: str, text: str, other: str, after: str, same: bool) -> None:
    assert (spelled(before, text, after) == spelled(before, other, after)) is same
