"""Texts for holes whose sides belong to different lines."""

from __future__ import annotations

from itertools import islice

import pytest

from infill.bridge import bridges
from infill.statements import Statements
from infill.syntax import error_count


@pytest.mark.parametrize(
    ("marked", "bridge"),
    [
        # What one side leaves open is closed, and what the other closes is opened.
        ("def f():\n    x = foo(1⟦⟧a, b)\n    return x\n", ")\n    ("),
        ('def f(x⟦⟧Of f.\n    """\n    return x\n', '):\n    """'),
        ("    x = foo(a, 'b⟦⟧c', d]\n    y = 1\n", "')\n    ['"),
        # No blanks are asked for that stand there.
        ("def f():\n    x = foo(1⟦⟧   y = 2\n    return y\n", ")\n "),
        # A step further out than the next line, which a header wants.
        ("def f():\n    foo(⟦⟧if x:\n        return x\n", ")\n    "),
        # As lines elsewhere begin.
        ("def f(x):\n    return g(x)\n\n\ndef g(x): return x⟦⟧h(x) -> int:\n    return x\n", "\ndef "),
        ("def f(x):\n    y = 1\n\n\nx = g(⟦⟧a) -> int:\n    y = 2\n", ")\ndef f("),
        # In a block, where what follows goes on with none.
        ("try:\n    f()\nexcept E:\n    g()\nx = h(⟦⟧y\nexcept E:\n    g()\n", ")\ntry:\n    "),
        # What is no code, whatever is opened, is a comment.
        ("x = f(1⟦⟧since it is: so, or\n# not.\ny = 2\n", ")\n# "),
    ],
)
def test_both_sides_are_made_whole(marked: str, bridge: str) -> None:
    before, _, after = marked.partition("⟦⟧")
    found = list(islice(bridges(before, after, "python", lines=(before + after).split("\n")), 12))
    assert bridge in found
    assert not error_count(before + bridge + after, "python")


def test_other_languages_have_their_own_marks() -> None:
    before, after = "function f() {\n  let x = g(1", "since it is: so, or\n  // not.\n  return x;\n}\n"
    bridge = ");\n  // "
    assert bridge in list(bridges(before, after, "javascript", lines=[]))
    assert not error_count(before + bridge + after, "javascript")


def test_the_least_broken_are_kept_and_several_holes_have_none() -> None:
    before, after = "def f():\n    x = foo(1", "a, b)\n    return x\n"
    statements = Statements.of((before, after), ("",), "python")
    kept = statements.bridges(4)
    assert kept[0] == ")\n    ("
    assert {statements.errors([bridge]) for bridge in kept} == {0}
    assert Statements.of((before, " + ", after), ("", ""), "python").bridges(4) == []


def test_a_bridge_shows_that_an_error_can_be_avoided() -> None:
    before, after = "def dump(data: int, s", '\n    Dump it.\n\n    :param data: a number\n    """\n    return data\n'
    assert Statements.of((before, after), ("",), "python").unavoidable_errors() == 0
