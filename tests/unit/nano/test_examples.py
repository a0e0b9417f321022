"""Rewrites, edits and several holes made from real code have one right answer, and it is source code."""

from __future__ import annotations

import ast
import random
from collections.abc import Callable
from itertools import islice

import pytest

from bench.nano.corpus import Document
from bench.nano.definitions import definition_sites
from bench.nano.example import Example, insertion, replaced
from bench.nano.identifiers import identifiers
from bench.nano.mixture import examples
from bench.nano.renames import Names, followed, together, told
from bench.nano.rewrites import reworded
from bench.nano.sites import Manner, sites
from bench.nano.soundness import parses
from bench.nano.statements import statement_sites
from infill.request import InfillRequest, Span
from tests.unit.nano.sources import JAVASCRIPT, PYTHON, TEXT

DOCUMENTS = [PYTHON, JAVASCRIPT]
NAMES = Names({"lower": ("amount", "sum_of_all", "kind")})


def made(draw: Callable[[Document, random.Random], Example | None], document: Document, count: int) -> list[Example]:
    rng = random.Random(0)
    drawn = [draw(document, rng) for _ in range(count)]
    kept = [example for example in drawn if example]
    assert len(kept) > count / 2
    return kept


def test_other_texts_take_their_places() -> None:
    spans = [Span(start=0, end=1), Span(start=2, end=2), Span(start=4, end=6)]
    text, moved = replaced("abcdef", spans, ["", "XY", "Z"])
    assert text == "bXYcdZ"
    assert [text[span.start : span.end] for span in moved] == ["", "XY", "Z"]


def test_an_insertion_puts_back_what_stood_there() -> None:
    example = insertion("abcdef", [Span(start=1, end=3), Span(start=4, end=5)], "a.py")
    assert example.request.text == "adf"
    assert example.answers == ("bc", "e")
    assert example.solved == "abcdef"


@pytest.mark.parametrize(
    ("language", "text", "kinds"),
    [
        ("python", "é = a.b(c=d)\n", {"é": "plain", "a": "plain", "b": "member", "c": "fixed", "d": "plain"}),
        ("python", 'import x.y\nf"{z}"\n', {"x": "fixed", "y": "fixed", "z": "plain"}),
        ("javascript", "const {p, q: r} = s.t;\n", {"q": "member", "r": "plain", "s": "plain", "t": "member"}),
        ("rust", "let x = 1;\n", {}),
    ],
)
def test_names_by_what_they_are(language: str, text: str, kinds: dict[str, str]) -> None:
    found = identifiers(text, language)
    assert {identifier.name: identifier.kind for identifier in found} == kinds
    assert all(text.startswith(identifier.name, identifier.start) for identifier in found)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_rename_in_words_changes_each_occurrence_and_nothing_else(document: Document) -> None:
    for example in made(lambda document, rng: told(document, NAMES, rng), document, 30):
        (present,), (answer,) = example.request.middles, example.answers
        new = next(name for names in NAMES.by_style.values() for name in names if name in answer)
        assert new in (example.request.instruction or "")
        assert new not in present
        olds = {name for name in {i.name for i in identifiers(document.text, document.language)} if name in present}
        assert any(present == answer.replace(new, old) for old in olds)
        assert parses(example)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_an_edit_follows_the_change_above_it(document: Document) -> None:
    idle = several = 0
    for example in made(lambda document, rng: followed(document, NAMES, rng), document, 40):
        request, (change,) = example.request, example.request.changes
        assert change.after in request.text[: request.holes[0].start]
        assert len(request.text) - len(document.text) == len(change.after) - len(change.before)
        new = next(name for names in NAMES.by_style.values() for name in names if name in change.after)
        assert not any(new in middle for middle in request.middles)
        if request.middles == example.answers:
            idle += 1
        else:
            assert new in example.answers[0]
        several += len(request.holes) > 1
        assert parses(example)
    assert idle
    assert several


def test_holes_of_one_name_hold_it() -> None:
    for example in made(together, PYTHON, 20):
        assert len(example.answers) > 1
        assert example.solved == TEXT


SITES: list[tuple[Manner, str, str, str]] = [
    ("hints", "def f(a: int, *b: str, c: int = 3, d=4) -> None:\n    x\n", "def f(a, *b, c=3, d=4):", "def f"),
    ("hints", "async def f(\n    self,\n    a: x[y] = z,\n):\n    x\n", "a=z,\n):", "async def f"),
    ("docstring", 'class A:\n    """Doc.\n\n    More.\n    """\n\n    x = 1\n', "x = 1", '"""Doc'),
    ("format", "x = '{} {b!r:>3}'.format(a.c, b=d)\n", "f'{a.c} {d!r:>3}'", "'{}"),
    ("unformat", 'x = f"{a} {b.c:02}"\n', '"{} {:02}".format(a, b.c)', 'f"'),
    ("early_return", "if a:\n    return b\nelse:\n    c\n\n    d\n", "if a:\n    return b\nc\n\nd", "if a"),
]


@pytest.mark.parametrize(("manner", "text", "other", "begins"), SITES)
def test_another_way_to_write_it(manner: Manner, text: str, other: str, begins: str) -> None:
    (site,) = [site for site in sites(text) if site.manner == manner]
    assert other in site.other
    assert text[site.span.start :].startswith(begins)
    ast.parse(replaced(text, [site.span], [site.other])[0])


@pytest.mark.parametrize(
    "text",
    [
        "def f(a, b=1):\n    x\n",
        'class A:\n    """Alone."""\n',
        "x = '{{}} {}'.format(a)\n",
        "x = '{} {}'.format(*a)\n",
        "x = '{0} {0}'.format(a)\n",
        "x = '{}'.format('\"')\n",
        'x = f"{a + b}"\n',
        "if a:\n    b\nelse:\n    c\n",
        "if a:\n    return b\nelif c:\n    d\n",
        "if a:\n    return b\nelse:\n    '''c\n    d'''\n",
        "if a:\n    return b  # Why.\nelse:\n    c\n",
        "not python(\n",
    ],
)
def test_no_other_way_to_write_it(text: str) -> None:
    assert sites(text) == ()


STATEMENTS: list[tuple[Manner, str, str, tuple[str, ...]]] = [
    ("invert", "if a == b:\n    c\nelse:\n    d\n    e\n", "if a != b:\n    d\n    e\nelse:\n    c", ()),
    ("invert", "if not a.b:\n    c\nelse:\n    d\n", "if a.b:\n    d\nelse:\n    c", ()),
    ("invert", "if a():\n    c\nelse:\n    d\n", "if not a():\n    d\nelse:\n    c", ()),
    ("unguard", "try:\n    a = b[c]\nexcept KeyError:\n    a = 0\n", "a = b[c]", ("KeyError", "a = 0")),
    ("inline", "def f():\n    a = b(1)\n    return a + 2\n", "return b(1) + 2", ("a", "b(1)")),
]


@pytest.mark.parametrize(("manner", "text", "other", "words"), STATEMENTS)
def test_another_way_to_write_statements(manner: Manner, text: str, other: str, words: tuple[str, ...]) -> None:
    (site,) = statement_sites(text)
    assert (site.manner, site.other, site.words) == (manner, other, words)
    ast.parse(replaced(text, [site.span], [site.other])[0])


@pytest.mark.parametrize(
    "text",
    [
        "if a and b:\n    c\nelse:\n    d\n",
        "if a:\n    b\nelif c:\n    d\n",
        "if a:  # Why.\n    b\nelse:\n    c\n",
        "if a:\n    b\n# Why.\nelse:\n    c\n",
        "try:\n    a\nexcept B as c:\n    d(c)\n",
        "try:\n    a\nexcept B:\n    c\nfinally:\n    d\n",
        "def f():\n    a = b + 1\n    return a * 2\n",
        "def f():\n    a = b\n    c(a)\n    return a\n",
        "def f():\n    a = b()\n    return [a for c in d]\n",
        "def f():\n    a = b()  # Why.\n    return a\n",
        "not python(\n",
    ],
)
def test_no_other_way_to_write_statements(text: str) -> None:
    assert statement_sites(text) == ()


DEFINITIONS: list[tuple[Manner, str, str, tuple[str, ...]]] = [
    (
        "argument",
        "def f(a, b: int = 1):\n    return g(a, b=b)\n",
        "def f(a):\n    return g(a)",
        ("b: int = 1", "b", "g"),
    ),
    (
        "argument",
        "def f(self, a, b=2, c=3):\n    self.g(a, b, c)\n",
        "def f(self, a, b=2):\n    self.g(a, b)",
        ("c=3", "c", "self.g"),
    ),
    ("constant", "A = 1\n\n\ndef f():\n    return A\n", "def f():\n    return 1", ("A", "1")),
    ("constant", "class B:\n    A = 'x'\n    b = 1\n    c = A\n", "b = 1\n    c = 'x'", ("A", "'x'")),
]


@pytest.mark.parametrize(("manner", "text", "other", "words"), DEFINITIONS)
def test_another_way_to_write_definitions(manner: Manner, text: str, other: str, words: tuple[str, ...]) -> None:
    (site,) = definition_sites(text)
    assert (site.manner, site.other, site.words) == (manner, other, words)
    ast.parse(replaced(text, [site.span], [site.other])[0])


@pytest.mark.parametrize(
    "text",
    [
        "def f(a, b):\n    g(a, b)\n    return b\n",
        "def f(a, b):\n    g(b)\n",
        "def f(a, *b):\n    g(a, b)\n",
        "def f(a, b):\n    g(a, b + 1)\n",
        "A = 1\nprint(A)\nprint(A)\n",
        "A = True\nprint(A)\n",
        "A = 1  # Why.\nprint(A)\n",
        "A = 1\nA = 2\n",
        "A = 1\nprint(f'{A}')\n",
        "not python(\n",
    ],
)
def test_no_other_way_to_write_definitions(text: str) -> None:
    assert definition_sites(text) == ()


def test_rewrites_go_both_ways_and_parse() -> None:
    directions = set[bool]()
    for example in made(reworded, PYTHON, 60):
        assert parses(example)
        assert example.request.instruction
        assert example.request.middles != example.answers
        directions.add(example.solved == TEXT)
    assert directions == {True, False}


@pytest.mark.parametrize(
    ("path", "answer", "whole"),
    [("a.py", "y(2)", True), ("a.py", "y(2", False), ("a.js", "y(2", False), ("a.js", "z", True)],
)
def test_what_does_not_parse_is_found(path: str, answer: str, whole: bool) -> None:
    request = InfillRequest(text="x = 1\ny\n(z)\n", holes=(Span(start=6, end=7),), path=path)
    assert parses(Example(request=request, answers=(answer,))) is whole


def test_the_mixture_holds_every_kind_and_repeats_with_its_seed() -> None:
    drawn = list(islice(examples(DOCUMENTS, seed=3), 150))
    assert drawn == list(islice(examples(DOCUMENTS, seed=3), 150))
    assert {bool(example.request.instruction) for example in drawn} == {True, False}
    assert {bool(example.request.changes) for example in drawn} == {True, False}
    assert {len(example.request.holes) > 1 for example in drawn if not example.request.changes} == {True, False}
    infill = [example for example in drawn if not any(example.request.middles)]
    assert 0.45 < len(infill) / len(drawn) < 0.75
