"""Where statements end, and completions of whole lines."""

from __future__ import annotations

import pytest

from infill.syntax.statements import cut_to_scope, statement_end

STRING = 'x = """\na\n\nb\n"""'


@pytest.mark.parametrize(
    ("language", "before", "text", "after", "kept"),
    [
        # The block that the line opened.
        ("python", "def f():", "\n    return 1\nx = 2", "\n", "\n    return 1"),
        ("", "def f():", "\n    return 1\nx = 2", "\n", "\n    return 1"),
        ("python", "    if x:", "\n        y\n    else:\n        z\n    w", "\n", "\n        y\n    else:\n        z"),
        ("", "    if x:", "\n        y\n    else:\n        z\n    w", "\n", "\n        y\n    else:\n        z"),
        ("go", "func f() {", "\n\treturn\n}\nfunc g() {", "\n", "\n\treturn\n}"),
        ("", "func f() {", "\n\treturn\n}\nfunc g() {", "\n", "\n\treturn\n}"),
        ("", "if (x) {", "\n  y();\n} else {\n  z();\n}\nw();", "\n", "\n  y();\n} else {\n  z();\n}"),
        # The line's own statement.
        ("python", "x = foo(", "1,\n    2)\ny = 3", "\n", "1,\n    2)"),
        ("", "x = ", "1\ny = 2", "\n", "1"),
        # SyntaxCheck one after the other, to the end of the first block.
        ("python", "def f():\n    ", "x = 1\n    y = 2\ndef g():", "\n", "x = 1\n    y = 2"),
        ("python", "def f():\n    ", "x = 1\n    if x:\n        y\n    z", "\n", "x = 1\n    if x:\n        y"),
        ("python", "", "def f():\n    return 1\n\n\ndef g():\n    pass", "\n", "def f():\n    return 1\n\n"),
        ("python", "", "x = 1\ny = 2\n\nz = 3", "\n", "x = 1\ny = 2"),
        ("", "{\n\t", "a;\n\tb;\n}\nc", "\n", "a;\n\tb;"),
        # A statement laid out against the margin.
        ("python", "def f():\n    ", STRING + "\n    return x\ny", "\n", STRING),
        ("", "x = 1\n", "  \n", "\n", "  \n"),
    ],
)
def test_cut_to_scope(language: str, before: str, text: str, after: str, kept: str) -> None:
    assert cut_to_scope(text, before, after, language) == kept


@pytest.mark.parametrize(
    ("language", "marked", "statement"),
    [
        ("python", "x = 1\n|y = (2,\n3)\nz\n", "y = (2,\n3)"),
        ("python", "def f():\n    |x = 1\n    y = 2\n", "x = 1"),
        ("python", "é = '😀'\n|y = '😀'\nz\n", "y = '😀'"),
        ("go", "package a\n\nfunc f() {\n\t|x := 1\n\treturn x\n}\n", "x := 1"),
        ("c", "|int f() {\n  return 1;\n}\nint g;\n", "int f() {\n  return 1;\n}"),
        ("python", "|def f(:\n    return ((\n", None),
        ("python", "x |= 1\n", None),
        ("python", "\ud800 = 1\n|y = 2\n", "y = 2"),
    ],
)
def test_where_a_statement_ends(language: str, marked: str, statement: str | None) -> None:
    start, text = marked.index("|"), marked.replace("|", "")
    end = statement_end(text, start, language)
    assert (None if end is None else text[start:end]) == statement


def test_a_language_without_grammar_has_no_statements() -> None:
    assert statement_end("x = 1\n", 0, "cobol") is None
