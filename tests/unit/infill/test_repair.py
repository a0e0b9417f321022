"""Other endings for what breaks the syntax."""

from __future__ import annotations

import pytest

from infill.repair import endings, joints


@pytest.mark.parametrize(
    ("before", "text", "after", "language", "first"),
    [
        ("x = ", "foo(bar", "\ny", "python", ["foo(bar)", "foo(bar),", "foo()", "foo"]),
        ("x = ", 'foo("bar', "", "go", ['foo("bar")', 'foo("bar"),', 'foo("")', "foo()"]),
        # A quote within a string of the other kind, and one that is escaped, are no ends of it.
        ("x = ", "f(\"it's", "", "", ['f("it\'s")']),
        ("x = ", "f('it\\'s", "", "", ["f('it\\'s')"]),
        ("de", "f foo(self", "\n    pass", "python", ["f foo(self):"]),
        ("de", "f foo(self", "\n", "go", ["f foo(self)"]),
        ("if x", " and", "\n    pass", "python", [" and:"]),
        # Brackets that an earlier line opened are closed by a later one.
        ("foo(\n    ba", "r", "\n)", "python", ["r,"]),
        # What follows on the line closes what is open.
        ("x = foo(", "bar,,", ")", "python", ["bar,", "bar"]),
        ("x = ", "y  ", "\n", "python", ["y", "y,"]),
        ("x = ", " ", "\n", "python", []),
    ],
)
def test_the_longest_endings_come_first(before: str, text: str, after: str, language: str, first: list[str]) -> None:
    cuts = [i for i, character in enumerate(text) if not character.isalnum()]
    cuts += [i + 1 for i in cuts]
    found = list(endings(text, sorted(set(cuts)), before=before, after=after, language=language))
    assert found[: len(first)] == first
    assert text not in found
    assert all(ending.strip() for ending in found)


@pytest.mark.parametrize(
    ("before", "text", "joint"),
    [
        ("def f():\n    x = foo(1", " re", ")\n    re"),
        ("    if x", " and re", ":\n        re"),
        ("\tif x", " and re", ":\n\t\tre"),
        ("x = foo(\n    1,\n    'a", "b, y", "b')\n    y"),
        # An apostrophe in an earlier line opens nothing.
        ("# it's\nx = foo(", "re", ")\nre"),
    ],
)
def test_what_belongs_to_two_lines_is_joined_by_their_end(before: str, text: str, joint: str) -> None:
    cuts = [i for i, character in enumerate(text) if not character.isalnum()]
    assert joint in joints(text, cuts, before=before, language="python")


def test_what_begins_the_second_line_of_a_bridge_begins_it_here() -> None:
    found = list(joints("b) + c", [1, 5], before="x = foo(a", bridges=[")\nreturn (", ")\n["], language="python"))
    # A form of its own comes first, then one for each of the bridges.
    assert found[:3] == ["b) + c\n", "b) + c\nreturn (", "b) + c\n["]
    assert "b)\nreturn (c" in found
