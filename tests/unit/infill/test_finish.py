"""What of a raw text belongs in its hole: its blanks, and no echo of what follows."""

from __future__ import annotations

import pytest

from infill.judge.finish import drop_echo, trimmed

CLASS = "class A:\n    def f(self):\n        self.name = name\n"


@pytest.mark.parametrize(
    ("marked", "text", "trim"),
    [
        # At ends of lines there are none.
        ("x = ‸\n", "foo  ", "foo"),
        ("x = ‸  \n", "foo  ", "foo"),
        ("x = ‸ + 1\n", "foo", "foo"),
        ("x = f(‸)\n", "foo, ", "foo, "),
        ("def f():\n    ‸\n", "x = 1  \n    y = 2", "x = 1\n    y = 2"),
        # A line that is indented already is indented.
        (CLASS + "        ‸\n", " self.x = x", "self.x = x"),
        (CLASS + "        ‸\n", "    self.x = x\n            self.y = y", "self.x = x\n        self.y = y"),
        (CLASS + "‸\n", "        self.x = x", "        self.x = x"),
        ("if x:\n    if y:\n    ‸\n", "    z()", "    z()"),
        ("def f():\n    x = 1\n  ‸\n    z = 1\n", "  y = 1", "  y = 1"),
        # What is wanted after a word is no such blank.
        ("def f():\n    return‸\n", " x", " x"),
        # Blocks.
        (
            "def g(x):\n    if x is None:‸\n        return 3\n    return 2\n",
            "\n                raise ValueError()",
            "\n        raise ValueError()",
        ),
        ("class Stack:‸\n", "\n            x = 1\n            y = 2", "\n            x = 1\n            y = 2"),
        ("class Stack:‸\n\n\ny = 1\n", "\nx = 1", "\n    x = 1"),
        ("class Stack:\n    def f(self):‸\n\n    def g(self): ...\n", "\n    x = 1", "\n        x = 1"),
        ("def f(a):\n    b = a\n‸\n    return b\n", "            c = b:", "    c = b:"),
        ("def f(a):\n    ‸\n    return b\n", "if a:\n        b = 1\n      c = 2", "if a:\n        b = 1\n      c = 2"),
        ("class Stack:‸\n", "\nx = 1\n\ny = 2", "\n    x = 1\n\n    y = 2"),
        # What was wrong before is not for a text to mend.
        ("def f(a):\n    b = 1\n        ‸\n", "c = 2", "c = 2"),
        # Tabs and blanks.
        ("def f(a):\n\tif a:\n\t\t‸\n\treturn a\n", "for x in a:\n            b()", "for x in a:\n\t\t\tb()"),
        ("class A:\n  def f(self):\n    ‸\n    return 1\n", "if x:\n\t\t\ty()", "if x:\n      y()"),
    ],
)
def test_blanks_are_those_of_the_place(marked: str, text: str, trim: str) -> None:
    before, after = marked.split("‸")
    assert trimmed(text, before, after, "python") == trim
    assert trimmed(trim, before, after, "python") == trim


def test_a_language_without_blocks_of_lines_keeps_its_indentation() -> None:
    assert trimmed("\n      a();\n  b();", "function f() {", "\n}\n", "javascript") == "\n      a();\n  b();"
    assert trimmed("  - b", "steps:\n  - a\n  ", "\n", "yaml") == "- b"


def test_a_text_in_place_of_one_indented_by_tabs_is_indented_by_tabs() -> None:
    text, present = "def f():\n    return 1", "def f():\n\ta = 1\n\treturn a"
    assert trimmed(text, "", "", "python", present=present) == "def f():\n\treturn 1"
    assert trimmed(text, "", "", "python") == text


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
