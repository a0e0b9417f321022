"""What a suggestion that nobody asked for must not be; ⟦so⟧ marks the hole with the text that is suggested."""

from __future__ import annotations

import pytest

from infill.judge.unasked import ends_only_identifier, leaves_open, objection
from infill.request import RejectReason


@pytest.mark.parametrize(
    ("marked", "reason"),
    [
        # Nothing to see.
        ("x = ⟦⟧\n", "empty"),
        ("def f():\n⟦    \n⟧", "empty"),
        # Several lines before text on the right.
        (".a {⟦color: aqua;}\n.b {color: blue;⟧}\n", "crosses_lines"),
        ("class C(T⟦):\n\n\n    def f(self⟧):\n", "crosses_lines"),
        ("f(⟦a,\n  b)⟧\n", None),
        ("f(⟦a, b⟧)\n", None),
        # The line above or below again.
        ("import sys\nimport ⟦sys⟧\n", "repeats_code"),
        (".a {\n  color: red;\n  ⟦color: red;⟧\n}\n", "repeats_code"),
        ("    self.name = name\n    ⟦self.name = name⟧\n", "repeats_code"),
        ("    self.name = name\n            ⟦self.name = name⟧\n", "repeats_code"),
        ("    self.name = name\n    self.name = ⟦name⟧\n", "repeats_code"),
        ("- group:\n    params:\n    ⟦params:⟧", "repeats_code"),
        ("  add(a: string): void;\n  ⟦add(a: string): void;⟧\n", "repeats_code"),
        ("x = 1\n⟦\ny = 2⟧\ny = 2\n", "repeats_code"),
        ("⟦a = 1⟧\n\na = 1\n", "repeats_code"),
        ("a = 1⟦\na = 1⟧\n", "repeats_code"),
        ("run(1)\n⟦run(1)\nrun(2)⟧\n", "repeats_code"),
        ("a\n⟦run(1)\nrun(2)⟧\nrun(1)\nrun(2)\n", "repeats_code"),
        ("run(1)\nrun(2)\n⟦run(1)\nrun(2)⟧\n", "repeats_code"),
        # The same line where it belongs.
        ("    if a:\n        return 0\n    ⟦return 0⟧\n", None),
        ("    ⟦return 0⟧\nreturn 0\n", None),
        ("  }\n  ⟦}⟧\n", None),
        ("c.Lock()\nx = 1\n⟦c.Lock()⟧\n", None),
        ("run(1)\n⟦run(2)⟧\n", None),
        ("run(2)\n⟦x = 1\nrun(2)⟧\ny = 1\n", None),
        # What is imported already.
        ("import os\nimport sys\n⟦import os⟧\n", "repeats_code"),
        ("#include <a.h>\n#include <b.h>\n#include ⟦<a.h>⟧\n", "repeats_code"),
        ("import os\nimport sys\n⟦import re⟧\n", None),
        # A comment of another place on a blank line.
        ("# A long word.\nx = 1\n⟦# A long word.⟧\n", "repeats_code"),
        ("// Adds.\na();\n⟦// Adds.\nb();⟧\n", "repeats_code"),
        ("def f():⟦\n    # Well.\n    pass⟧\n\n# Well.\n", "repeats_code"),
        ("x = 1\n⟦# A long word.⟧\n", None),
        ("# Well.\nx = 1\n# ⟦Well.⟧\n", None),
        ("# Well.\nx = 1\ny = 1  ⟦# Well.⟧\n", None),
    ],
)
def test_the_reason_against_a_text(marked: str, reason: RejectReason | None) -> None:
    before, _, rest = marked.partition("⟦")
    text, _, after = rest.partition("⟧")
    assert objection(text, before, after) == reason


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("def split_chunks(): ...\nx = spl⟦it_chunks⟧\n", True),
        ("x = spl⟦it_chunks⟧\n\nsplit_chunks()\n", True),
        ("def split_chunks(): ...\nx = sp⟦lit_chunks⟧\n", False),
        ("def split_chunks(): ...\nx = spl⟦it_chunks()⟧\n", False),
        ("def split_chunks(): ...\nx = spl⟦it⟧\n", False),
        ("split_chunks = split_lines\nx = spl⟦it_chunks⟧\n", False),
        ("def split_chunks(): ...\nx = ⟦split_chunks⟧\n", False),
        ("def split_chunks(split): ...\nx = split⟦_chunks⟧\n", False),
        ("def within(): ...\nwith⟦in⟧\n", False),
        ("x1 = 1000\ny = 100⟦0⟧\n", False),
    ],
)
def test_the_rest_of_the_only_identifier_that_begins_so(marked: str, expected: bool) -> None:
    before, _, rest = marked.partition("⟦")
    text, _, after = rest.partition("⟧")
    assert ends_only_identifier(text, before, after, "python") is expected


@pytest.mark.parametrize(
    ("line", "rest", "expected"),
    [
        ("    /**", "     * The key.\n     */", True),
        ("/* The key", "of it */", True),
        ("/* The key */", "x = 1;", False),
        ("    return value === true ||", "      value === false;", True),
        ("    total = a +", "    b", True),
        ("    else:", "        pass", True),
        ("    else:", "\n", True),
        ("if (a) {", "}", True),
        ("f(a,", "b)", True),
        ("f(a", ")", True),
        ('"""Docstring', 'of two lines."""', True),
        ('"""Docstring."""', "x = 1", False),
        ("    return 1", "", False),
        ("    return 1", "    pass", False),
        ("    return 1;", "}", False),
        ("\treturn 1", "\n\n\tx := 2", False),
        ("\treturn 1", "\n\n\t\tx := 2", True),
    ],
)
def test_a_line_that_needs_the_next_is_left_open(line: str, rest: str, expected: bool) -> None:
    assert leaves_open(line, rest) is expected
