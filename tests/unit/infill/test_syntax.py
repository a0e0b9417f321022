"""What parsers say."""

from __future__ import annotations

import subprocess
import sys

import pytest

from infill.syntax import error_count, statement_end

GOOD = {
    "c": "int f(void) { return 1; }\n",
    "cpp": "class A { int f() { return 1; } };\n",
    "go": "package a\n\nfunc f() int { return 1 }\n",
    "java": "class A { int f() { return 1; } }\n",
    "javascript": "const f = () => { return 1; };\n",
    "jsx": "const f = () => <a>{1}</a>;\n",
    "python": "def f():\n    return 1\n",
    "rust": "fn f() -> i32 { return 1; }\n",
    "tsx": "const f = (): number => <a>{1}</a>;\n",
    "typescript": "const f = (): number => { return 1; };\n",
}


@pytest.mark.parametrize("language", GOOD)
def test_errors_are_counted(language: str) -> None:
    good = GOOD[language]
    assert error_count(good, language) == 0
    assert error_count(good.replace("1", "1 ) ) 2", 1), language) > 0


def test_a_language_without_grammar_has_no_errors_and_no_statements() -> None:
    assert error_count("(((", "cobol") == 0
    assert statement_end("x = 1\n", 0, "cobol") is None


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


def test_grammars_are_imported_when_asked_for() -> None:
    code = "import sys, infill.fill; print([m for m in sys.modules if m.startswith('tree_sitter_')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
