"""What speaks against texts that no parser objects to."""

from __future__ import annotations

import pytest

from infill.judge.flaws import FlawCheck, Flaws, gives_right_side_away, reopens_pair


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
