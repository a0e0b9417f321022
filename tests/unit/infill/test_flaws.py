"""What speaks against texts that no parser objects to."""

from __future__ import annotations

import pytest

from infill.judge.flaws import FlawCheck, Flaws, gives_right_side_away, objection, reopens_pair
from infill.request import RejectReason


@pytest.mark.parametrize(
    ("marked", "text", "reopens"),
    [
        ("def foo(‸)\n", "):\n(", True),
        ("def foo(‸)\n", "self,):\n(", True),
        ("\tif csi.Param(‸) \n", ")(", True),
        ("\tif a > 0 {‸}\n", "} {", True),
        (".fuchsia {‸}\n", "color: aqua;}\n.blue {color: blue;", True),
        ("def foo(‸)\n", "self, (a, b)", False),
        ("def foo(‸)\n", '")(", x', False),
        ("x = f(a‸\n", ") + g(b", False),
    ],
)
def test_a_pair_that_is_closed_and_opened_again(marked: str, text: str, reopens: bool) -> None:
    assert reopens_pair(text, marked.partition("‸")[2]) is reopens


@pytest.mark.parametrize(
    ("marked", "text", "away"),
    [
        ('it("should ‸", () => {\n});\n', '")\n// ', True),
        ('echo "Collecting file‸"\n', '"\nls\necho "', True),
        ("class Class(SymbolTable‸):\n", "):\n\n\n    def f(self, test_func", True),
        ('    "async": [‸],\n', '\n        "a"\n    ],\n    "b": [', True),
        ("x = ‸ + 1\n", "a\ny = b", True),
        # The right side goes on with what stands on the left.
        ("foo(‸)\n", "a,\n    b", False),
        ("items.map(‸);\n", "(x) => {\n  f(x);\n}", False),
        ("function f() {‸}\n", "\n  return 1;\n", False),
        ("<div>‸</div>\n", "\n  <p></p>\n", False),
        ('    """‸"""\n', "One.\n\n    Two.\n    ", False),
        # It stands for itself, or there is none.
        ("  ‸b = 1\n", "a = 1\n  ", False),
        ("const o = { a: 1,‸ b: 2 };\n", "\n  c: 3,", False),
        ("x = ‸\n", "a\ny = b", False),
        ("x = ‸ + 1\n", "a", False),
    ],
)
def test_a_right_side_that_belongs_to_the_left_one(marked: str, text: str, away: bool) -> None:
    before, after = marked.split("‸")
    assert gives_right_side_away(before, text, after) is away


@pytest.mark.parametrize(
    ("marked", "texts", "flaws"),
    [
        (".a {\n  color: red;\n  ‸\n}\n", ["color: red;"], Flaws(misplaced=1)),
        (".a {\n  color: red;\n  ‸\n}\n", ["color: blue;"], Flaws()),
        ("  if a:\n    if a:\n      ‸\n", ["if a:"], Flaws(misplaced=1)),
        ("def f(self):\n    ‸\n    return a\n", ["return a"], Flaws(misplaced=1)),
        ("# two\n# ‸\n", ["two"], Flaws(misplaced=1)),
        ("def foo(‸)\n", ["):\n("], Flaws(misplaced=1)),
        ("x = heap‸\n", ["ap.pop()"], Flaws(unknown_words=1)),
        ("x = ‸\ny = heap‸\n", ["1", "ap"], Flaws(unknown_words=1)),
        ("x = f(‸)\ny = g(‸)\n", [")(", ")("], Flaws(misplaced=2)),
    ],
)
def test_flaws_are_counted(marked: str, texts: list[str], flaws: Flaws) -> None:
    around = marked.split("‸")
    check = FlawCheck(around=around, middles=[""] * len(texts), language="", others=["heap heapq"])
    assert check.flaws(tuple(texts)) == flaws


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
