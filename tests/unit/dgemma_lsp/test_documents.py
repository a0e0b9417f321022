"""Documents follow an editor's incremental changes exactly, in every encoding, whatever counts as a line elsewhere."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lsprotocol import types

from dgemma_lsp.convert import CODECS, UNIT_BYTES, PositionEncoding
from dgemma_lsp.documents import Documents

URI = "file:///work.py"
PIECES = ["a", "b", "é", "中", "😀", "\n", "\r", "\r\n", "\f", "\v", "\x85", "\u2028", "\ufeff", "\t"]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
LINE_END = re.compile(r"\r\n|\n|\r")


def opened(text: str, *, uri: str = URI, encoding: PositionEncoding = "utf-16") -> Documents:
    documents = Documents(lambda uri: None)
    documents.encoding = encoding
    documents.open([types.TextDocumentItem(uri, "python", 1, text)])
    return documents


def text_of(documents: Documents, uri: str = URI) -> str:
    document = documents.get(uri)
    assert document is not None
    return "".join(document.lines)


def change(start: tuple[int, int], end: tuple[int, int], text: str) -> types.TextDocumentContentChangePartial:
    return types.TextDocumentContentChangePartial(types.Range(types.Position(*start), types.Position(*end)), text)


def position(text: str, offset: int, encoding: PositionEncoding) -> tuple[int, int]:
    """The oracle: counts line ends and units from the very beginning of the text."""
    ends = [end.end() for end in LINE_END.finditer(text) if end.end() <= offset]
    line = text[ends[-1] if ends else 0 : offset]
    return len(ends), len(line.encode(CODECS[encoding])) // UNIT_BYTES[encoding]


@st.composite
def histories(
    draw: st.DrawFn,
) -> tuple[PositionEncoding, str, list[tuple[types.TextDocumentContentChangePartial, str]]]:
    """An encoding, a text, and changes with the text that each of them leads to."""
    encoding: PositionEncoding = draw(st.sampled_from(["utf-8", "utf-16", "utf-32"]))
    text = first = draw(TEXTS)
    changes: list[tuple[types.TextDocumentContentChangePartial, str]] = []
    for _ in range(draw(st.integers(1, 8))):
        # No editor's position lies inside a line end.
        offsets = [offset for offset in range(len(text) + 1) if text[max(offset - 1, 0) : offset + 1] != "\r\n"]
        start, end = sorted((draw(st.sampled_from(offsets)), draw(st.sampled_from(offsets))))
        new = draw(TEXTS)
        event = change(position(text, start, encoding), position(text, end, encoding), new)
        text = text[:start] + new + text[end:]
        changes.append((event, text))
    return encoding, first, changes


@given(histories())
@settings(max_examples=400, deadline=None)
def test_follows_any_history_of_changes(history: tuple[PositionEncoding, str, list[tuple[Any, str]]]) -> None:
    encoding, first, changes = history
    documents = opened(first, encoding=encoding)
    for version, (event, expected) in enumerate(changes, start=2):
        documents.change(types.VersionedTextDocumentIdentifier(version, URI), [event])
        document = documents.get(URI)
        assert document is not None
        assert "".join(document.lines) == expected
        assert len(document.lines) == len(LINE_END.findall(expected)) + 1
        assert document.version == version


@pytest.mark.parametrize(
    ("before", "event", "after"),
    [
        pytest.param("a\fb\nc", change((1, 0), (1, 1), "d"), "a\fb\nd", id="a form feed ends no line"),
        pytest.param("a\u2028b\nc", change((1, 0), (1, 1), "d"), "a\u2028b\nd", id="nor does U+2028"),
        pytest.param("a\rxb", change((1, 0), (1, 1), "\n"), "a\r\nb", id="a CR and a new LF become one end"),
        pytest.param("ab\nc", change((0, 99), (0, 99), "d"), "abd\nc", id="past the end of a line"),
        pytest.param("ab\nc", change((1, 0), (99, 0), ""), "ab\n", id="past the last line"),
        pytest.param("abc", change((0, 2), (0, 1), "x"), "axc", id="ends in reverse order"),
        pytest.param("😀b", change((0, 1), (0, 2), "x"), "xb", id="inside a surrogate pair"),
        pytest.param("", change((0, 0), (0, 0), "\ud800"), "\ud800", id="a lone surrogate"),
    ],
)
def test_change(before: str, event: types.TextDocumentContentChangePartial, after: str) -> None:
    documents = opened(before)
    documents.change(types.VersionedTextDocumentIdentifier(2, URI), [event])
    assert text_of(documents) == after


def test_several_changes_apply_in_order_and_a_whole_text_replaces_all() -> None:
    documents = opened("one")
    changes = [types.TextDocumentContentChangeWholeDocument("two\nthree"), change((1, 0), (1, 5), "four")]
    documents.change(types.VersionedTextDocumentIdentifier(2, URI), changes)
    assert text_of(documents) == "two\nfour"


def test_a_change_of_a_past_version_is_ignored() -> None:
    documents = opened("abc")
    documents.change(types.VersionedTextDocumentIdentifier(5, URI), [change((0, 0), (0, 1), "x")])
    documents.change(types.VersionedTextDocumentIdentifier(4, URI), [change((0, 0), (0, 1), "y")])
    assert text_of(documents) == "xbc"


@pytest.mark.parametrize(
    ("uri", "kept"),
    [
        ("file:///a.py", True),
        ("untitled:Untitled-1", True),
        ("vscode-notebook-cell:/a.ipynb#W0", True),
        ("git:/a.py?ref", False),
        ("output:log", False),
    ],
)
def test_only_documents_that_people_type_in_are_kept(uri: str, kept: bool) -> None:
    documents = opened("a", uri=uri)
    assert (documents.get(uri) is not None) is kept
    documents.change(types.VersionedTextDocumentIdentifier(2, uri), [change((0, 0), (0, 0), "b")])


def test_notebook_cells_come_change_and_go() -> None:
    one, two = "vscode-notebook-cell:/a.ipynb#1", "vscode-notebook-cell:/a.ipynb#2"
    documents = opened("a = 1\n", uri=one)
    structure = types.NotebookDocumentCellChangeStructure(
        types.NotebookCellArrayChange(0, 1),
        did_open=[types.TextDocumentItem(two, "python", 1, "b")],
        did_close=[types.TextDocumentIdentifier(one)],
    )
    content = types.NotebookDocumentCellContentChanges(
        types.VersionedTextDocumentIdentifier(2, two), [change((0, 1), (0, 1), " = 2")]
    )
    documents.change_notebook(
        types.NotebookDocumentChangeEvent(
            cells=types.NotebookDocumentCellChanges(structure=structure, text_content=[content])
        )
    )
    assert documents.get(one) is None
    assert text_of(documents, two) == "b = 2"


def test_reports_what_changed_and_what_was_closed() -> None:
    seen: list[str] = []
    documents = Documents(seen.append)
    documents.open([types.TextDocumentItem(URI, "python", 1, "a")])
    documents.change(types.VersionedTextDocumentIdentifier(2, URI), [change((0, 0), (0, 0), "b")])
    documents.close([types.TextDocumentIdentifier(URI), types.TextDocumentIdentifier("file:///other")])
    assert seen == [URI, URI]
