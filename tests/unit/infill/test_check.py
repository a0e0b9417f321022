"""The statements around holes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from infill.syntax.check import SyntaxCheck


@pytest.mark.parametrize(
    ("around", "middle", "errors"),
    [
        (("x = ", "\ny = 2\n"), "", 0),
        (("x = foo(", "\ny = 2\n"), "", 0),
        (("x = ", " + 1\n"), "foo", 0),
        (("return )\nx = ", "\ny = 2\n"), "", 1),
        # What stands below needs something in the hole, which there is no reason to forgive the lack of.
        (("def f():\n    ", "\n        g()\n    except OSError:\n        pass\n"), "", 0),
        # Two lines that belong apart leave a header in the place of both.
        (("x = 1\nprint(x", "ab:\n    pass\n"), "", 0),
        (("de", "\n    a: int,\n) -> None:\n    pass\n"), "", 0),
        # A line that closes or opens brackets is what is missing.
        (("NAMES = ('a'\n         ", "\n\nclass A:\n    pass\n"), "", 0),
        (("while a:\n    ", "\n        (b, c)\n        for b, c in d\n    ]\n"), "", 0),
        (("x = {\n    'a', (\n        f'''b'''\n    ", "\n}\n"), "", 0),
    ],
)
def test_what_is_broken_anyway_is_nobodys_fault(around: tuple[str, str], middle: str, errors: int) -> None:
    assert _unavoidable(around, [middle], "python") == errors


def test_two_holes_are_filled_before_a_text_is_called_broken() -> None:
    assert _unavoidable(("if ", ":\n    y = ", " + 1\n"), ["", ""], "python") == 0
    assert _unavoidable(("if ", " {\n  y = ", " + 1;\n}\n"), ["", ""], "javascript") > 0
    assert _unavoidable(("if (", ") {\n  y = ", " + 1;\n}\n"), ["", ""], "javascript") == 0


@pytest.mark.parametrize(
    ("window", "whole"),
    [
        # All of it is whole.
        ('"""Of a file.\n\nIn two lines."""\n\nx = ⟦⟧\n', '"""Of a file.\n\nIn two lines."""\n\nx = ⟦⟧\n'),
        # It begins within a call, and ends within another.
        ("  b,\n)\nx = 1\ny = ⟦⟧\nz = 2\n\nfoo(\n    a,\n", "x = 1\ny = ⟦⟧\nz = 2\n\n"),
        # It begins within a string of several lines, which is as far out as the code is.
        ('and more.\n"""\ndef f():\n    pass\n\ndef g():\n    x = ⟦⟧\n', "def g():\n    x = ⟦⟧\n"),
        # What a hole opens is not closed by leaving something out.
        ("x = 1\ny = (⟦⟧\nz = 2\n", "x = 1\ny = (⟦⟧\nz = 2\n"),
        ("⟦⟧", "⟦⟧"),
    ],
)
def test_what_a_window_cuts_in_two_is_left_out(window: str, whole: str) -> None:
    before, _, after = window.partition("⟦⟧")
    statements = SyntaxCheck.of((before, after), ("",), "python")
    assert "⟦⟧".join(statements.around) == whole


@pytest.mark.parametrize(
    ("marked", "text", "language", "errors"),
    [
        ("x = 1⟦⟧ + 2\n", "  # é, or", "python", 1),
        ("x = 1⟦⟧ + 2\n", "  # é\ny = 3", "python", 0),
        ("x = 1⟦⟧\n", "  # é", "python", 0),
        ("x = 1  # so⟦⟧ so\n", " # or", "python", 0),
        ("x = 1⟦⟧ + 2\n", ' + len("#")', "python", 0),
        ("x = 1⟦⟧ + 2;\n", " // 2", "javascript", 1),
        ("x = 1⟦⟧ + 2\n", " // 2", "python", 0),
    ],
)
def test_a_text_is_blamed_for_making_a_comment_of_what_follows(
    marked: str, text: str, language: str, errors: int
) -> None:
    before, _, after = marked.partition("⟦⟧")
    assert _statements((before, after), [""], language).errors([text]) == errors


def test_languages_without_a_grammar_are_whole() -> None:
    assert SyntaxCheck.of((")\nx = ", "("), ("",), "cobol").around == (")\nx = ", "(")


def _unavoidable(around: Sequence[str], middles: Sequence[str], language: str) -> int:
    return _statements(around, middles, language).unavoidable_errors()


def _statements(around: Sequence[str], middles: Sequence[str], language: str) -> SyntaxCheck:
    return SyntaxCheck(tuple(around), tuple(middles), language)


@pytest.mark.parametrize(
    ("language", "marked", "whole", "broken"),
    [
        ("json", '{\n  "name": "demo",\n  "key": {‸}\n}\n', ['"a": 1', ""], ['"', "'", '"de"', '""']),
        ("json", '[\n {\n },\n {\n  "path": {‸},\n  "value": "^[a-z]$"\n }\n]', ['"a": 1'], ['"']),
        # Of a window that is cut in two only the brackets and quotes are known.
        ("json", '  "a": [1],\n  "key": {‸}\n }\n}\n', ['"a": 1'], ['"', "["]),
        ("bash", 'NAME=world\necho "Hello ${‸}"\n', ["NAME", "NAME:-x"], [")", "bash)"]),
        ("yaml", "steps:\n  - name: a\n    ‸\n", ["run: x"], ['"""', " ->:"]),
        ("yaml", 'services:\n  web:\n    image: ‸\n    ports:\n      - "80:80"\n', ["nginx", '"a:1"'], ["-"]),
        ("yaml", "jobs:\n    steps:\n      - name: a\n        ‸\n      - name: b\n", ["run: x"], [" steps:", "   -:"]),
        ("css", ".a {‸}\n.b { color: blue; }\n", ["color: red;", "color: red"], ["}'", " []"]),
        ("toml", '[project]\nversion = "‸"\n', ["1"], ['"', '1"']),
        ("html", '<div class="‸">\n  <p>Hello</p>\n</div>\n', ["a"], ['"', 'a"']),
        ("lua", "function f()\n  ‸\nend\n", ["g()"], ["g(", "end"]),
        ("php", "<?php\nfunction f() {\n  return ‸;\n}\n", ["$x", "g()"], ["g(", "}"]),
        ("ruby", "def f(‸)\n  b\nend\n", ["x", "x, y = [1]"], ["x)", "x = ["]),
        ("markdown", "# A\n\nThe (quick ‸\n", ["don't", "fox)", "fox"], ["[fox", "fox)))"]),
        (
            "python",
            "class A:\n    def f(self):\n        self.a = 1\n            ‸\n        self.b = 2\n",
            ["# b"],
            ["x = 1"],
        ),
        ("python", "def f(a):\n    b = a\n    ‸\n    return b\n", ["b = a"], [" b = a"]),
        (
            "python",
            "def g(x):\n    if x is None:‸\n        return 3\n    return 2\n",
            ["\n        y = 1"],
            ["\n                raise ValueError('bad value')", "\n    y = 1"],
        ),
    ],
)
def test_what_breaks_the_syntax(language: str, marked: str, whole: Sequence[str], broken: Sequence[str]) -> None:
    before, after = marked.split("‸")
    statements = SyntaxCheck.of((before, after), ("",), language)
    fewest = statements.unavoidable_errors()
    assert [text for text in whole if statements.errors([text]) > fewest] == []
    assert [text for text in broken if statements.errors([text]) <= fewest] == []


@pytest.mark.parametrize(
    ("language", "marked", "whole", "broken"),
    [
        ("python", "def foo(‸)\n", "a, b", "):\n("),
        ("python", "def foo(‸)\n    return a\n", "a", "("),
        ("python", "x = foo(‸)\ny = 1\n", "a", ")"),
        ("go", "package main\n\nfunc f(c P) {\n\tif c.Param(‸) \n}\n", "a", ")"),
        ("javascript", "if (x.includes(‸))\n", '"a"', ")"),
        # A line that opens what is closed below.
        ("javascript", 'it("should ‸", () => {\n  expect(1).toBe(1);\n});\n', "add", '"'),
        ("python", "def f(‸):\n    return 1\n", "a", ")"),
    ],
)
def test_what_is_still_to_be_typed_behind_brackets_is_no_error(
    language: str, marked: str, whole: str, broken: str
) -> None:
    before, after = marked.split("‸")
    statements = SyntaxCheck.of((before, after), ("",), language)
    assert statements.errors([whole]) == 0
    assert statements.errors([broken]) > 0


@pytest.mark.parametrize(
    ("language", "marked", "text"),
    [
        ("javascript", "function f() {\n  const x = ‸\n", "1;"),
        ("javascript", "it('a', () => {\n  const x = ‸\n\nit('b', () => {\n  f();\n});\n", "1;"),
        ("go", "package main\n\nfunc f() {\n\tif err != nil {\n\t\treturn ‸\n\nfunc g() {\n}\n", "err"),
        ("python", "x = {\n    'a': 1,\n    ‸\n\ndef g():\n    pass\n", "'b': 2,"),
        ("bash", "if true; then\n  echo ‸\n", "a"),
    ],
)
def test_brackets_that_lines_above_have_opened_may_be_closed_later(language: str, marked: str, text: str) -> None:
    before, after = marked.split("‸")
    statements = SyntaxCheck.of((before, after), ("",), language)
    assert statements.errors([text]) == 0
    assert statements.errors([text + " ("]) > 0


@pytest.mark.parametrize(
    ("language", "marked", "text"),
    [
        # The line below belongs to the same block.
        ("javascript", "function f() {\n  if (a) {\n  ‸\n  b();\n}\n", "c();"),
        # The bracket is opened on the hole's own line, or on one as far in.
        ("python", "    x = foo(‸\n\ny = 1\n", "a"),
        ("python", "def f():\n    x = foo(\n    ‸\n\ny = 1\n", "a"),
    ],
)
def test_what_has_to_close_brackets_is_blamed_for_not_doing_so(language: str, marked: str, text: str) -> None:
    before, after = marked.split("‸")
    statements = SyntaxCheck.of((before, after), ("",), language)
    assert statements.errors([text]) > 0


@pytest.mark.parametrize(
    ("language", "marked", "whole", "broken"),
    [
        ("javascript", "function f() {\n  if (‸\n  return 1;\n}\n", "a) {", "a {"),
        ("go", "package main\n\nfunc f() {\n\tif err ‸\n\treturn\n}\n", "!= nil {", "!= {"),
        # It stands before something, or in a language whose braces hold no blocks.
        ("javascript", "f(() => ‸);\n", "x", "{"),
        ("python", "x = ‸\ny = 1\n", "{}", "{"),
    ],
)
def test_a_header_may_be_followed_by_its_block(language: str, marked: str, whole: str, broken: str) -> None:
    before, after = marked.split("‸")
    statements = SyntaxCheck.of((before, after), ("",), language)
    assert statements.errors([whole]) == 0
    assert statements.errors([broken]) > 0
