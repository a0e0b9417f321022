"""From a selection to its hole, and from a text for the hole to hunks; applied as an editor applies them."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from dgemma_lsp.documents.hunks import Hunk, hunks
from dgemma_lsp.documents.lines import Place, content_length, split_lines, text_between
from dgemma_lsp.features.selection import selected_hole


def contents(text: str) -> list[str]:
    return [line[: content_length(line)] for line in split_lines(text)]


def applied(lines: Sequence[str], changes: Sequence[Hunk]) -> tuple[str, tuple[Hunk, ...]]:
    """The text with the changes, which must be in order and disjoint, and the changes that take them back."""
    text, at = "", Place(0, 0)
    inverse: list[Hunk] = []
    for change in changes:
        assert at <= change.start <= change.end
        assert all(place.column <= content_length(lines[place.line]) for place in (change.start, change.end))
        text += text_between(lines, at, change.start)
        start = place_after(text)
        text += change.text
        inverse.append(Hunk(start=start, end=place_after(text), text=text_between(lines, change.start, change.end)))
        at = change.end
    return text + text_between(lines, at, Place(len(lines) - 1, len(lines[-1]))), tuple(inverse)


def place_after(text: str) -> Place:
    parts = split_lines(text)
    return Place(len(parts) - 1, len(parts[-1]))


def selection(marked: str) -> tuple[list[str], Place, Place]:
    """A text's lines, and the places of ⟦ and ⟧; of ⟦⟧ both are one."""
    before, _, rest = marked.partition("⟦")
    inside, _, after = rest.partition("⟧")
    lines = split_lines(before + inside + after)
    return lines, place_after(before), place_after(before + inside)


@pytest.mark.parametrize(
    ("marked", "language", "hole"),
    [
        ("a\n⟦    x = 1\n    y = 2\n⟧z\n", "python", "x = 1\n    y = 2"),
        ("a\n⟦\n\tx = 1\n\n⟧z\n", "python", "x = 1"),
        ("f(⟦a, b⟧)\n", "python", "a, b"),
        ("if a:\r\n⟦\tb()\r\n\tc()\r\n⟧d()\r\n", "python", "b()\r\n\tc()"),
        ("a\n⟦b⟧", "python", "b"),
        ("def f():\n    x = [\n        1,⟦⟧\n    ]\n    return x\n", "python", "x = [\n        1,\n    ]"),
        ("def f():\n    ret⟦⟧urn 1\n", "python", "return 1"),
        ("⟦⟧def f():\n    return 1\n\n\ng()\n", "python", "def f():\n    return 1"),
        ("def f():\n    # wh⟦⟧y\n    return 1\n", "python", "# why"),
        ("function f() {\n  g(a,\n    b⟦⟧);\n}\n", "javascript", "g(a,\n    b);"),
        ("int f(int ⟦⟧a) {\n  return a;\n}\n", "c", "int f(int a) {\n  return a;\n}"),
        ("fn f() {\n    let a =⟦⟧ 1;\n    b\n}\n", "rust", "let a = 1;"),
        ("some words\n  and mo⟦⟧re\n", "markdown", "and more"),
        ("a\n    ⟦⟧\nb\n", "python", ""),
        ("a\n⟦   \n⟧b\n", "python", ""),
        ("words\n⟦```python\nx = 1\n```\n⟧more\n", "markdown", "x = 1"),
        ("words\n```python\n⟦x = 1\n⟧```\n", "markdown", "x = 1"),
        ("words\n``⟦`python\nx = 1\n```⟧\n", "markdown", "x = 1"),
        ("a\n```\nx\n```\nb\n``⟦⟧`python\ny = 1\n\nz\n```\n", "markdown", "y = 1\n\nz"),
        ("```python\ny = 1\n```⟦⟧", "markdown", "y = 1"),
        ("```python⟦⟧\n```", "markdown", ""),
        ("⟦words\n```\nx\n```\nmore⟧\n", "markdown", "words\n```\nx\n```\nmore"),
        ("s = '😀⟦⟧'; b = 2\n", "python", "s = '😀'"),
        ("⟦⟧", "python", ""),
    ],
)
def test_a_selection_is_a_hole_without_the_blanks_around_it(marked: str, language: str, hole: str) -> None:
    lines, start, end = selection(marked)
    first, last = selected_hole(lines, start, end, language)
    assert text_between(lines, first, last) == hole
    assert start == end or start <= first <= last <= end


@pytest.mark.parametrize(
    ("marked", "text", "changes"),
    [
        ("a\n  ⟦b\n  c⟧\nd", "b\n  x", [((2, 0), (2, 3), "  x")]),
        ("a\n  ⟦b\n  c⟧\nd", "b\n  x\n  c", [((2, 0), (2, 0), "  x\n")]),
        ("  ⟦a⟧\n", "# why\n  a", [((0, 2), (0, 2), "# why\n  ")]),
        ("  ⟦a\n  b⟧\n", "b", [((0, 2), (1, 2), "")]),
        ("f(⟦a⟧)\n", "a)\ng(b", [((0, 3), (0, 3), ")\ng(b")]),
        ("f(⟦a)\nf(b⟧)", "a", [((0, 3), (1, 3), "")]),
        ("⟦a\r\nb\r\nc⟧\r\n", "a\nx\nc", [((1, 0), (1, 1), "x")]),
        ("⟦a\r\nb⟧", "a\nb\nc", [((1, 1), (1, 1), "\r\nc")]),
        ("⟦a\rb\nc⟧\r\n", "a\nb\nc", []),
        ("⟦a⟧", "", [((0, 0), (0, 1), "")]),
        ("⟦a\nb  \n\t\nc⟧\n", "a\nb\n\nd", [((3, 0), (3, 1), "d")]),
        # Two replacements that would meet within the hole are one.
        ("a⟦\n⟧a", "b\n", [((0, 1), (1, 0), "b\n")]),
        ("\t⟦⟧\n", "a\n\tb", [((0, 1), (0, 1), "a\n\tb")]),
    ],
)
def test_hunks_are_the_lines_that_change(
    marked: str, text: str, changes: list[tuple[tuple[int, int], tuple[int, int], str]]
) -> None:
    lines, start, end = selection(marked)
    expected = tuple(Hunk(start=Place(*first), end=Place(*last), text=new) for first, last, new in changes)
    assert hunks(lines, (start, end), text) == expected


WORDS = ["a", "b = 1", "\tif x:", "    return 😀", "", "  ", "é\u2028\x0c", "}", "a"]


def random_text(dice: random.Random, ends: Sequence[str]) -> str:
    """Some lines, the last perhaps without an end."""
    lines = [dice.choice(WORDS) + dice.choice(ends) for _ in range(dice.randrange(9))]
    return "".join([*lines, dice.choice(["", dice.choice(WORDS)])])


@pytest.mark.parametrize("seed", range(400))
def test_a_rewrite_changes_nothing_outside_the_selection_and_can_be_undone(seed: int) -> None:
    dice = random.Random(seed)
    ends = dice.choice([["\n"], ["\r\n"], ["\r"], ["\n", "\r\n"], ["\n", "\r\n", "\r"]])
    lines = split_lines(random_text(dice, ends))
    places = [Place(n, c) for n, line in enumerate(lines) for c in range(content_length(line) + 1)]
    start, end = sorted(dice.choices(places, k=2))
    hole = selected_hole(lines, start, end, dice.choice(["python", "markdown", ""]))
    # Half of the texts share lines with what stands there.
    standing = contents(text_between(lines, *hole))
    new = [line for line in standing if dice.random() < 0.7] if dice.random() < 0.5 else []
    for line in contents(random_text(dice, ["\n"])):
        new.insert(dice.randrange(len(new) + 1), line)
    changes = hunks(lines, hole, "\n".join(new))

    text, inverse = applied(lines, changes)
    before, after = text_between(lines, Place(0, 0), hole[0]), text_between(lines, hole[1], places[-1])
    assert text.startswith(before)
    assert text.endswith(after)
    assert all(hole[0] <= change.start <= change.end <= hole[1] for change in changes)
    if len(ends) == 1:
        # Lines that stay keep the blanks at their ends.
        wanted = contents(before + ends[0].join(new) + after)
        assert [line.rstrip() for line in contents(text)] == [line.rstrip() for line in wanted]
    if len(ends) < 3:  # Else a lone CR may have met a LF, and an editor counts one line end where there were two.
        assert applied(split_lines(text), inverse)[0] == "".join(lines)
