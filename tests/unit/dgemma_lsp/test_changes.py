"""Recent changes: what the lines were before, however they were typed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dgemma_lsp.documents.changes import (
    LIFETIME_S,
    MOST_CHANGES,
    MOST_CHARACTERS,
    MOST_LINES,
    DocumentChange,
    RecentChanges,
)

URI = "file:///w/a.py"


class Typist:
    """A document and what is remembered of its changes. now: seconds."""

    def __init__(self, *lines: str) -> None:
        self.lines = [f"{line}\n" for line in lines]
        self.now = 0.0
        self.changes = RecentChanges(lambda: self.now)

    def replace(self, first: int, last: int, *lines: str) -> None:
        removed = self.lines[first:last]
        self.lines[first:last] = [f"{line}\n" for line in lines]
        self.changes.note(URI, first, removed, len(lines))

    @property
    def recent(self) -> list[DocumentChange]:
        return self.changes.recent(lambda uri: self.lines if uri == URI else None)

    @property
    def shown(self) -> list[tuple[str, str]]:
        """Each change as the text before and after."""
        return [("".join(own.before), "".join(self.lines[own.first : own.last])) for own in self.recent]


def test_typing_in_a_line_is_one_change() -> None:
    typist = Typist("a", "b", "c")
    for text in ("x", "xy", "xyz"):
        typist.replace(1, 2, text)
    assert typist.shown == [("b\n", "xyz\n")]


def test_lines_that_a_change_includes_and_leaves_are_no_part_of_it() -> None:
    typist = Typist("a", "b", "c")
    typist.replace(0, 3, "a", "x", "c")
    assert typist.shown == [("b\n", "x\n")]


def test_what_is_undone_is_no_change() -> None:
    typist = Typist("a", "b")
    typist.replace(0, 1, "x")
    typist.replace(0, 1, "a")
    assert typist.recent == []


def test_a_change_moves_with_the_lines_above_it() -> None:
    typist = Typist(*"abcdef")
    typist.replace(4, 5, "x")
    typist.replace(0, 1, "1", "2", "3")
    assert typist.shown == [("e\n", "x\n"), ("a\n", "1\n2\n3\n")]


def test_changes_age_and_are_few() -> None:
    typist = Typist(*map(str, range(100)))
    for line in range(0, 3 * (MOST_CHANGES + 2), 3):
        typist.replace(line, line + 1, "x")
    assert len(typist.recent) == MOST_CHANGES
    assert typist.recent[-1].first == 3 * (MOST_CHANGES + 1)
    typist.now += LIFETIME_S + 1
    assert typist.recent == []


def test_a_whole_text_pasted_in_is_not_remembered() -> None:
    typist = Typist("a")
    typist.replace(0, 1, *["x"] * (MOST_LINES + 1))
    assert typist.recent == []


def test_a_change_of_a_line_that_is_data_is_not_remembered() -> None:
    typist = Typist("a" * (MOST_CHARACTERS + 1), "b")
    typist.replace(0, 1, "a")
    assert typist.recent == []
    typist.replace(1, 2, "c")
    assert typist.recent == []
    typist.replace(0, 1, "a" * (MOST_CHARACTERS + 1))
    assert typist.shown == [("b\n", "c\n")]


def test_a_document_that_is_closed_has_no_changes() -> None:
    typist = Typist("a")
    typist.replace(0, 1, "x")
    typist.changes.forget(URI)
    assert typist.recent == []


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3), st.lists(st.sampled_from("ab"), max_size=3)), max_size=7)
)
def test_changes_taken_back_give_the_text_there_was(events: list[tuple[int, int, list[str]]]) -> None:
    typist = Typist(*"abcdefghij")
    original = list(typist.lines)
    for first, count, added in events:
        first = min(first, len(typist.lines))
        typist.replace(first, min(first + count, len(typist.lines)), *added)
    lines = list(typist.lines)
    for change in sorted(typist.recent, key=lambda own: own.first, reverse=True):
        lines[change.first : change.last] = change.before
    assert lines == original
