"""The pipeline on text cases: a document with holes, what the model writes, the document that comes out."""

from __future__ import annotations

import pytest

from tests.unit.infill.scripted import check

LINE_CASES = [
    ("x = ⟦⟧\ny = 2\n", "1", "x = 1\ny = 2\n"),
    # The hole stands at the file's beginning, at its end, in nothing at all.
    ("⟦⟧ = 1\n", "x", "x = 1\n"),
    ("x = 1\ny = ⟦⟧", "2", "x = 1\ny = 2"),
    ("⟦⟧", "import os", "import os"),
    # In the middle of an identifier, both its halves known.
    ("x = to⟦⟧tal\n", "mato_", "x = tomato_tal\n"),
    ("foo.na⟦⟧\n", "me", "foo.name\n"),
    ("x = foo(⟦⟧bar)\n", "a, ", "x = foo(a, bar)\n"),
    # A longer hole repeats what follows.
    ("x = foo(⟦⟧)\n", "a, b", "x = foo(a, b)\n"),
    ("x = ⟦⟧ + total\n", "foo", "x = foo + total\n"),
    # Brackets that the text itself opened stay.
    ("x = foo(⟦⟧)\n", "bar()", "x = foo(bar())\n"),
    # Other line endings, tabs, emoji.
    ("x = ⟦⟧\r\ny = 2\r\n", "1", "x = 1\r\ny = 2\r\n"),
    ("\tx = ⟦⟧\ry = 2\r", "1", "\tx = 1\ry = 2\r"),
    ("x = '😀' + ⟦⟧\n", "'é'", "x = '😀' + 'é'\n"),
    ("x = '😀⟦⟧😀'\n", "日本", "x = '😀日本😀'\n"),
    # Nothing to offer.
    ("x = ⟦⟧\ny = 2\n", "  ", "!empty"),
    ("x = ⟦1⟧\ny = 2\n", "1", "!unchanged"),
]


@pytest.mark.parametrize(("before", "answer", "after"), LINE_CASES)
def test_fills_within_a_line(before: str, answer: str, after: str) -> None:
    check(before, answer, after)
