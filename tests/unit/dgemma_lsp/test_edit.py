"""Edits: their smallest range, the form that ghost text can show, and what is never offered."""

from __future__ import annotations

import pytest

from dgemma_lsp.documents.changes import DocumentChange
from dgemma_lsp.documents.hunks import Hunk
from dgemma_lsp.documents.lines import Place, split_lines
from dgemma_lsp.edits.edit import Edit
from dgemma_lsp.edits.ghost_text import ghost_text
from dgemma_lsp.edits.objection import is_objectionable
from dgemma_lsp.edits.suggester import rest_of

URI = "file:///w/a.py"


def edit_of(text: str, new: str, line: int = 0) -> tuple[Edit, list[str]]:
    """The edit that makes of a line another text."""
    lines = split_lines(text)
    content = lines[line].rstrip("\r\n")
    return Edit.of(URI, 1, lines, Hunk(start=Place(line, 0), end=Place(line, len(content)), text=new)), lines


@pytest.mark.parametrize(
    ("line", "new", "old", "text", "pieces"),
    [
        ("self.total + total", "self.sum + sum", "total + total", "sum + sum", ["sum", "sum"]),
        ("f(a)", "f(a, b)", "", ", b", [", b"]),
        ("x = '😀' + old", "x = '😀' + new", "old", "new", ["new"]),
        ("\tprefix_old", "\tprefix_new", "prefix_old", "prefix_new", ["prefix_new"]),
        ("a", "a\nb", "", "\nb", ["\nb"]),
    ],
)
def test_an_edit_is_its_changed_tokens(line: str, new: str, old: str, text: str, pieces: list[str]) -> None:
    edit, lines = edit_of(line, new)
    assert (edit.old, edit.text) == (old, text)
    assert [piece.new_text for piece in edit.pieces(lines, "utf-16")] == pieces


@pytest.mark.parametrize(
    ("text", "new", "cursor", "shown"),
    [
        ("f(a)", "f(a, b)", Place(0, 3), (Place(0, 3), Place(0, 3), ", b")),
        ("f(a)", "f(a, b)", Place(0, 4), None),
        ("f(a)", "f(a, b)", Place(0, 1), (Place(0, 1), Place(0, 3), "(a, b")),
        ("old", "new", Place(0, 0), None),
        ("old", "older", Place(0, 3), (Place(0, 0), Place(0, 3), "older")),
    ],
    ids=["insertion", "before the cursor", "behind the cursor", "other characters", "word"],
)
def test_ghost_text_is_what_vs_code_can_show(
    text: str, new: str, cursor: Place, shown: tuple[Place, Place, str] | None
) -> None:
    edit, lines = edit_of(text, new)
    ghost = ghost_text(lines, edit.start, edit.end, edit.text, cursor)
    assert (None if ghost is None else (ghost.start, ghost.end, ghost.text)) == shown


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_whole_lines_below_the_cursor_are_ghost_text_at_its_end(end: str) -> None:
    lines, text = split_lines(f"a{end}b{end}"), f"c{end}d{end}"
    below = ghost_text(lines, Place(1, 0), Place(1, 0), text, Place(0, 1))
    assert below == Hunk(start=Place(0, 1), end=Place(0, 1), text="\nc\nd")
    assert ghost_text(lines, Place(1, 0), Place(1, 0), text, Place(0, 0)) is None


@pytest.mark.parametrize(
    ("before", "now", "new", "replayed", "is_bad"),
    [
        ("a = 1", "a = 2", "a = 1", False, True),
        ("", "print(x)", "", False, True),
        ("x", "a  = 1", "a = 1", False, True),
        ("x", "import a", "import b", False, True),
        ("x", "import a", "import b", True, False),
        ("x", "f(long_argument, other)", "f()", False, True),
        ("x", "f(long_argument)", "f(x)", True, False),
        ("x", "f(a)", "f(b)", False, False),
    ],
    ids=["undoes", "deletes what was typed", "blanks", "imports", "replayed import", "deletes", "shorter name", "good"],
)
def test_what_is_never_suggested(before: str, now: str, new: str, *, replayed: bool, is_bad: bool) -> None:
    edit, lines = edit_of(f"{now}\nrest\n", new)
    change = DocumentChange(uri=URI, first=0, last=1, before=(f"{before}\n",) if before else (), at=0.0)
    assert is_objectionable(edit, lines, [change], replayed=replayed) == is_bad


@pytest.mark.parametrize(
    ("line", "column"),
    [("f(t)", 3), ("f(to)", 4), ("f(total)", None), ("f(x)", None), ("g(t)", None), ("f(tx)", 3), ("f(", None)],
)
def test_what_is_typed_towards_an_edit_leaves_the_rest_of_it(line: str, column: int | None) -> None:
    assert rest_of(line, "f(x)", "f(total)") == column
