"""Echo of the suffix, and what only looks like one."""

from __future__ import annotations

import pytest

from infill.judge.echo import drop_echo


@pytest.mark.parametrize(
    ("before", "text", "after", "kept"),
    [
        # The rest of the line is repeated.
        ("x = ", "foo + bar", " + bar\n", "foo"),
        ("f(", "a, b)", ")\n", "a, b"),
        ("f(", "a, b):  ", "):\n", "a, b"),
        ("x = [", "1, 2]\n", "]\ny", "1, 2"),
        ("s = '", "abc'", "'\n", "abc"),
        ("x = a", ";", ";\n", ""),
        # It only looks so.
        ("f(", "g(x)", ")\n", "g(x)"),
        ("f(", "g(x, y)", ", y)\n", "g(x, y)"),
        ('s = "', 'a" + "', '"\n', 'a" + "'),
        ("x = ", "foo", "oo\n", "foo"),
        ("x = ", "n", "n\n", "n"),
        ("x = ", "1", "\n", "1"),
        # Following lines are repeated: whole, cut short, or running on.
        ("def f():\n", "    x = 1\n    return x\n", "    return x\n", "    x = 1\n"),
        ("def f():\n    ", "x = 1\n    return x", "\n    return x\n", "x = 1"),
        ("a = 1", "\nbar()\nreturn total", "\nbar()\nreturn total + 1\n", ""),
        ("a = 1", "\nbar()\nreturn x\nfoo()", "\nbar()\nreturn x\nend\n", ""),
        ("a = 1", "\nbar()\nfoo()", "\nbar()\nreturn x\n", "\nbar()\nfoo()"),
        # What opens a text over several lines is no copy of what ends it.
        ("def f(x", '):\n    """', 'Of f.\n    """\n    return x\n', '):\n    """'),
        # Closing lines are no repetition while they close something.
        ("if (a) {", "\n  if (b) {\n    c();\n  }", "\n}\n", "\n  if (b) {\n    c();\n  }"),
        ("if (a) {", "\n  c();\n}", "\n}\n", "\n  c();"),
        # A line break that stands there already.
        ("x = 1", "\n", "\n\ny = 2\n", ""),
        ("", "", "", ""),
    ],
)
def test_drop_echo(before: str, text: str, after: str, kept: str) -> None:
    assert drop_echo(text, before, after) == kept
