"""What parsers say."""

from __future__ import annotations

import subprocess
import sys

import pytest

from infill.syntax.parser import error_count

GOOD = {
    "bash": "if [ 1 ]; then echo 1; fi\n",
    "c": "int f(void) { return 1; }\n",
    "cpp": "class A { int f() { return 1; } };\n",
    "css": ".a { width: 1; }\n",
    "go": "package a\n\nfunc f() int { return 1 }\n",
    "html": "<p>1</p>\n",
    "java": "class A { int f() { return 1; } }\n",
    "javascript": "const f = () => { return 1; };\n",
    "jsx": "const f = () => <a>{1}</a>;\n",
    "json": '{"a": 1}\n',
    "jsonc": '{"a": 1} // One.\n',
    "lua": "function f() return 1 end\n",
    "php": "<?php function f() { return 1; }\n",
    "python": "def f():\n    return 1\n",
    "rust": "fn f() -> i32 { return 1; }\n",
    "toml": "a = 1\n",
    "tsx": "const f = (): number => <a>{1}</a>;\n",
    "typescript": "const f = (): number => { return 1; };\n",
    "yaml": "a: 1\nb: [1, 2]\n",
}


@pytest.mark.parametrize("language", GOOD)
def test_errors_are_counted(language: str) -> None:
    good = GOOD[language]
    assert error_count(good, language) == 0
    one = {"html": "</b> </p>", "yaml": "[1]]"}.get(language, "1 ) ) 2")
    assert error_count(good.replace("1", one, 1), language) > 0


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("(((", 3),
        ("call(a, [b]) {}", 0),
        ("call(a])", 1),
        ('say "a) (b"', 0),
        ('say "a\nand b', 1),
        ("it isn't so, 'or so'", 0),
        ("say 'a \\' b'", 0),
    ],
)
def test_of_a_language_without_grammar_brackets_and_quotes_are_counted(text: str, errors: int) -> None:
    assert error_count(text, "cobol") == errors


@pytest.mark.parametrize(
    "text",
    ["x = " + " + ".join(["a"] * 1_500) + " + )\n", "if a:\n" * 500 + ")", "(" * 3_000],
    ids=["sum", "ifs", "brackets"],
)
def test_deep_texts_are_no_deeper_for_us(text: str) -> None:
    assert error_count(text, "python") > 0


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        # Lines further in or out than the block's first.
        ("def f():\n    x = 1\n        y = 2\n    return x\n", 1),
        ("def f(x):\n    if x:\n            y = 1\n        return y\n    return 2\n", 1),
        ("def f(x):\n    if x:\n        y = 1\n      return y\n", 1),
        ("x = 1\n    y = 2\n", 1),
        ("@a\n  def f(): pass\n", 1),
        ("if x:\n    a\n  else:\n    b\n", 1),
        ("if x:\n\ta\n        b\n", 1),
        ("if x: a\n    b\n", 1),
        # Headers without a body.
        ("def f(x):\n    if x:\n    return 2\n", 1),
        ("class A:\n    def f(self):\ny = 1\n", 1),
        ("if x:\n    # Nothing.\ny = 1\n", 1),
        ("if x:\n    a\nelse:\nb\n", 1),
        # Comments, strings, brackets and what is on one line are indented as they like.
        ("if x:\n        # deep\n    a\n  # shallow\n    b\n", 0),
        ("x = '''\n  a\n b'''\ny = (1,\n   2)\nz = 1 + \\\n   2\n", 0),
        ("if x: a; b\nelse: c\nfor i in x: pass\n", 0),
        ("try:\n    a\nexcept E:\n        b\nfinally:\n  c\n", 0),
        # A window begins and ends in the middle of blocks.
        ("        x = 1\n    def f():\n        pass\ny = 1\n", 0),
        ("def f():\n    if x:\n\n    # And so on.\n", 0),
    ],
)
def test_python_is_indented_as_python_wants_it(text: str, errors: int) -> None:
    assert error_count(text, "python") == errors


def test_grammars_are_imported_when_asked_for() -> None:
    code = "import sys, infill.fill; print([m for m in sys.modules if m.startswith('tree_sitter_')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
