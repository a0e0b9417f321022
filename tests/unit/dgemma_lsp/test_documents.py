"""Documents follow an editor's incremental changes exactly, in every encoding, whatever counts as a line elsewhere."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lsprotocol import types

from dgemma_lsp.documents.positions import CODECS, UNIT_BYTES, PositionEncoding
from dgemma_lsp.documents.store import LEFT_ALONE, ContentChange, Document, Documents
from dgemma_lsp.lsp.rpc import TextDocument

URI = "file:///work.py"
PIECES = ["a", "b", "é", "中", "😀", "\n", "\r", "\r\n", "\f", "\v", "\x85", "\u2028", "\ufeff", "\t"]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
LINE_END = re.compile(r"\r\n|\n|\r")


def opened(text: str, *, uri: str = URI, encoding: PositionEncoding = "utf-16") -> Documents:
    documents = Documents(lambda uri: None, lambda uris: None)
    documents.encoding = encoding
    documents.open([types.TextDocumentItem(uri, "python", 1, text)])
    return documents


def document_of(documents: Documents, uri: str = URI) -> Document:
    document = documents.get(uri)
    assert document is not None
    return document


def text_of(documents: Documents, uri: str = URI) -> str:
    return "".join(document_of(documents, uri).lines)


def change(start: tuple[int, int], end: tuple[int, int], text: str) -> ContentChange:
    return ContentChange(text, types.Range(types.Position(*start), types.Position(*end)))


def position(text: str, offset: int, encoding: PositionEncoding) -> tuple[int, int]:
    """The oracle: counts line ends and units from the very beginning of the text."""
    ends = [end.end() for end in LINE_END.finditer(text) if end.end() <= offset]
    line = text[ends[-1] if ends else 0 : offset]
    return len(ends), len(line.encode(CODECS[encoding])) // UNIT_BYTES[encoding]


@st.composite
def histories(
    draw: st.DrawFn,
) -> tuple[PositionEncoding, str, list[tuple[ContentChange, str]]]:
    """An encoding, a text, and changes with the text that each of them leads to."""
    encoding: PositionEncoding = draw(st.sampled_from(["utf-8", "utf-16", "utf-32"]))
    text = first = draw(TEXTS)
    changes: list[tuple[ContentChange, str]] = []
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
@settings(max_examples=400)
def test_follows_any_history_of_changes(history: tuple[PositionEncoding, str, list[tuple[Any, str]]]) -> None:
    encoding, first, changes = history
    documents = opened(first, encoding=encoding)
    for version, (event, expected) in enumerate(changes, start=2):
        documents.change(types.VersionedTextDocumentIdentifier(version, URI), [event])
        document = document_of(documents)
        assert "".join(document.lines) == expected
        assert len(document.lines) == len(LINE_END.findall(expected)) + 1
        assert document.version == version
    lines = list(document_of(documents).lines)
    for made in sorted(documents.recent_changes(), key=lambda made: made.first, reverse=True):
        lines[made.first : made.last] = made.before
    assert "".join(lines) == first, "what is remembered of the changes does not lead back"


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
def test_change(before: str, event: ContentChange, after: str) -> None:
    documents = opened(before)
    documents.change(types.VersionedTextDocumentIdentifier(2, URI), [event])
    assert text_of(documents) == after


def test_several_changes_apply_in_order_and_a_whole_text_replaces_all() -> None:
    documents = opened("one")
    changes = [ContentChange("two\nthree"), change((1, 0), (1, 5), "four")]
    documents.change(types.VersionedTextDocumentIdentifier(2, URI), changes)
    assert text_of(documents) == "two\nfour"


@pytest.mark.parametrize(("version", "after"), [(5, 5), (9, 9), (None, 5)])
def test_a_change_may_leave_the_version_as_it_is_or_out(version: int | None, after: int) -> None:
    documents = opened("abc")
    documents.change(TextDocument(URI, 5), [change((0, 0), (0, 1), "x")])
    documents.change(TextDocument(URI, version), [change((0, 0), (0, 1), "y")])
    document = documents.get(URI)
    assert document is not None
    assert (text_of(documents), document.version) == ("ybc", after)


@pytest.mark.parametrize("how", ["past version", "told so", "of all"])
def test_what_cannot_be_followed_is_given_up_until_it_is_opened_again(how: str) -> None:
    changed, given_up = list[str](), list[list[str]]()
    documents = Documents(changed.append, given_up.append)
    item = types.TextDocumentItem(URI, "python", 3, "abc")
    documents.open([item])
    if how == "past version":
        documents.change(TextDocument(URI, 2), [change((0, 0), (0, 1), "y")])
    else:
        documents.give_up(URI if how == "told so" else None)
    documents.change(TextDocument(URI, 4), [change((0, 0), (0, 1), "z")])
    assert documents.get(URI) is None
    assert documents.absence(URI).reason == "out_of_step"
    assert (changed, given_up) == ([URI], [[URI]])
    documents.open([item])
    assert text_of(documents) == "abc"
    documents.close([types.TextDocumentIdentifier(URI)])
    assert documents.absence(URI).reason == "not_open"


def test_nothing_is_told_where_nothing_is_open() -> None:
    given_up = list[list[str]]()
    documents = Documents(lambda uri: None, given_up.append)
    documents.give_up(None)
    documents.give_up(URI)
    assert given_up == []
    assert documents.absence(URI).reason == "out_of_step"


@pytest.mark.parametrize(
    "uri",
    [
        "file:///a.py",
        "untitled:Untitled-1",
        "vscode-notebook-cell:/a.ipynb#W0",
        "scp://host/a.py",
        "vscode-vfs://github/a/b.py",
        "vscode-userdata:/settings.json",
        "inmemory://model/1",
        "member:a",
        "c:\\a.py",
        "a.py",
        "file://[bad/a.py",
        "",
    ],
)
def test_the_text_is_enough_whatever_the_scheme(uri: str) -> None:
    documents = opened("a", uri=uri)
    documents.change(TextDocument(uri, 2), [change((0, 0), (0, 0), "b")])
    assert text_of(documents, uri) == "ba"


@pytest.mark.parametrize("scheme", [*LEFT_ALONE, "OUTPUT"])
def test_what_is_no_code_is_left_alone(scheme: str) -> None:
    documents = opened("a", uri=f"{scheme}:x")
    documents.change(TextDocument(f"{scheme}:x", 2), [change((0, 0), (0, 0), "b")])
    assert documents.get(f"{scheme}:x") is None
    assert str(documents.absence(f"{scheme}:x")) == f"{LEFT_ALONE[scheme.lower()]} is left alone"


def test_notebook_cells_come_change_and_go() -> None:
    one, two = "vscode-notebook-cell:/a.ipynb#1", "vscode-notebook-cell:/a.ipynb#2"
    documents = opened("a = 1\n", uri=one)
    structure = types.NotebookDocumentCellChangeStructure(
        types.NotebookCellArrayChange(0, 1),
        did_open=[types.TextDocumentItem(two, "python", 1, "b")],
        did_close=[types.TextDocumentIdentifier(one)],
    )
    end = types.Range(types.Position(0, 1), types.Position(0, 1))
    content = types.NotebookDocumentCellContentChanges(
        types.VersionedTextDocumentIdentifier(2, two),
        [types.TextDocumentContentChangeWholeDocument("c"), types.TextDocumentContentChangePartial(end, " = 2")],
    )
    documents.change_notebook(
        types.NotebookDocumentChangeEvent(
            cells=types.NotebookDocumentCellChanges(structure=structure, text_content=[content])
        )
    )
    assert documents.get(one) is None
    assert text_of(documents, two) == "c = 2"


def test_reports_what_changed_was_opened_again_or_closed() -> None:
    seen: list[str] = []
    documents = Documents(seen.append, lambda uris: None)
    documents.open([types.TextDocumentItem(URI, "python", 1, "a")])
    documents.change(types.VersionedTextDocumentIdentifier(2, URI), [change((0, 0), (0, 0), "b")])
    documents.open([types.TextDocumentItem(URI, "python", 1, "a")])
    documents.close([types.TextDocumentIdentifier(URI), types.TextDocumentIdentifier("file:///other")])
    assert seen == [URI, URI, URI]
