"""The diff: what `patch` and `git apply` read, and quick on a large file."""

from __future__ import annotations

import difflib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgemma_lsp.cli.file.diff import NO_NEWLINE, unified_diff

LINES = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "\n"]), max_size=12)


@given(LINES, LINES, LINES, LINES)
def test_describes_the_change_as_difflib_does(head: list[str], old: list[str], new: list[str], tail: list[str]) -> None:
    before, after = [*head, *old, *tail], [*head, *new, *tail]
    lines = list(unified_diff("".join(before), "".join(after), "f"))
    assert apply(before, lines) == after
    # Which of several equal lines is called the new one may differ, but never how much is called changed.
    expected = list(difflib.unified_diff(before, after, "a/f", "b/f"))
    assert bool(lines) == bool(expected)


def apply(before: list[str], diff: list[str]) -> list[str]:
    """The text after `patch`; checks every line that the diff says is there."""
    after: list[str] = []
    at = 0
    for line in diff[2:]:
        if line.startswith("@@"):
            start, _, count = line.split()[1][1:].partition(",")
            first = int(start) - (count != "0")
            after += before[at:first]
            at = first
            continue
        if line[0] in " -":
            assert before[at] == line[1:]
            at += 1
        if line[0] in " +":
            after.append(line[1:])
    return after + before[at:]


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ("a", "b", ["-a\n", NO_NEWLINE, "+b\n", NO_NEWLINE]),
        ("a\n", "a\nb", [" a\n", "+b\n", NO_NEWLINE]),
        ("a\r\nb\r\n", "a\r\nc\r\n", [" a\r\n", "-b\r\n", "+c\r\n"]),
        ("a\fb\n", "a\fc\n", ["-a\fb\n", "+a\fc\n"]),
        ("", "a\n", ["+a\n"]),
    ],
)
def test_lines_of_a_change(before: str, after: str, changed: list[str]) -> None:
    assert list(unified_diff(before, after, "f"))[3:] == changed


def test_numbers_lines_of_the_whole_file() -> None:
    before = "x\n" * 100_000
    after = "x\n" * 50_000 + "y\n" + "x\n" * 50_000
    assert list(unified_diff(before, after, "f"))[2] == "@@ -49998,6 +49998,7 @@\n"


def test_equal_texts_have_no_diff() -> None:
    assert list(unified_diff("a\n", "a\n", "f")) == []
