"""The documents the editor has open, kept in step with it by incremental changes.

Our own store, because a document that splits its lines differently from the editor is corrupted silently by the next
edit. Where a change cannot be followed the document is given up, which is better than to go on with a text that nobody
has. What is not code (an output pane, an input box) is not kept, so that every feature leaves it alone. Does not read
files.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from lsprotocol import types

from dgemma_lsp.documents.changes import DocumentChange, RecentChanges
from dgemma_lsp.documents.lines import ReplacedLines, replace, split_lines
from dgemma_lsp.documents.positions import PositionEncoding, to_place
from dgemma_lsp.documents.uri import split_uri
from dgemma_lsp.silence import Silence
from infill.text.lines import common_ends

logger = logging.getLogger(__name__)

LEFT_ALONE = {
    "output": "an output pane",
    "search-editor": "a list of search results",
    "git": "an older version of a file",
    "debug": "the input of the debug console",
    "comment": "the input of a review comment",
    "vscode-scm": "the input of a commit message",
    "vscode-interactive-input": "an input box",
    "chatsessioninput": "the input of a chat",
}
"""Schemes of what an editor opens as a document though it is none: nobody types there, or one line of prose or of a
dialogue, whose other lines lie elsewhere. Every other scheme is served, for the text is all that is needed."""


@dataclass(frozen=True, slots=True)
class ContentChange:
    """A new text for a range; for the whole document where there is none."""

    text: str
    range: types.Range | None = None


class Identifier(Protocol):
    """A document, and its version after the changes as far as the client says it."""

    @property
    def uri(self) -> str: ...

    @property
    def version(self) -> int | None: ...


class Document:
    """One open document. `version` is the editor's; `lines` follow the rules of `dgemma_lsp.documents.lines`."""

    __slots__ = ("_lines", "language_id", "uri", "version")

    def __init__(self, item: types.TextDocumentItem) -> None:
        self.uri = item.uri
        self.language_id = item.language_id.value if isinstance(item.language_id, Enum) else item.language_id
        self.version = item.version
        self._lines = split_lines(item.text)

    @property
    def lines(self) -> Sequence[str]:
        """The text as it is now; the next change alters this very list."""
        return self._lines

    def apply(self, change: ContentChange, encoding: PositionEncoding) -> ReplacedLines:
        """Follow one change of the editor. A range past the end of a line or of the text is cut to it."""
        old = self._lines
        if change.range is None:
            self._lines = split_lines(change.text)
            return _replaced(old, self._lines)
        ends = (change.range.start, change.range.end)
        start, end = sorted(to_place(old, at.line, at.character, encoding) for at in ends)
        return replace(old, start, end, change.text)


class Documents:
    """All open documents and notebook cells, by URI.

    `encoding` is what the client and the server agreed on. `changes` are those that were just made. `changed` is called
    with the URI of each document whose text changed or that is not there any more, after the fact; `given_up` with
    those that are followed no longer.
    """

    def __init__(self, changed: Callable[[str], None], given_up: Callable[[list[str]], None]) -> None:
        self.encoding: PositionEncoding = "utf-16"
        self.changes = RecentChanges(time.monotonic)
        self._changed = changed
        self._given_up = given_up
        self._documents: dict[str, Document] = {}
        self._out_of_step: set[str] = set()

    def get(self, uri: str) -> Document | None:
        """The document, or None where `absence` says why there is none."""
        return self._documents.get(uri)

    def __iter__(self) -> Iterator[Document]:
        """All documents, the one opened last at the end."""
        return iter(self._documents.values())

    def recent_changes(self) -> list[DocumentChange]:
        """The changes that still stand, the newest last."""
        return self.changes.recent(lambda uri: own.lines if (own := self.get(uri)) else None)

    def absence(self, uri: str) -> Silence:
        """Why there is no document of this URI."""
        if uri in self._out_of_step:
            return Silence("out_of_step")
        what = LEFT_ALONE.get(split_uri(uri).scheme)
        return Silence("not_open") if what is None else Silence("no_code", what)

    def open(self, items: Iterable[types.TextDocumentItem]) -> None:
        """Begin to follow these documents, anew where they are open already."""
        for item in items:
            self._forget(item.uri)
            if split_uri(item.uri).scheme not in LEFT_ALONE:
                self._documents[item.uri] = Document(item)

    def close(self, identifiers: Iterable[types.TextDocumentIdentifier]) -> None:
        """Forget these documents."""
        for identifier in identifiers:
            self._forget(identifier.uri)

    def give_up(self, uri: str | None) -> None:
        """Follow a document no longer, or none of them, until it is opened again: a change of it could not be read."""
        followed = [each for each in self._documents if uri in (None, each)]
        for each in followed:
            self._forget(each)
        self._out_of_step.update(followed if uri is None else (uri,))
        if followed:
            self._given_up(followed)

    def change(self, identifier: Identifier, changes: Iterable[ContentChange]) -> None:
        """Apply the changes in order; those of a document that is not open change nothing."""
        document = self._documents.get(identifier.uri)
        if document is None:
            return
        if identifier.version is not None and identifier.version < document.version:
            logger.warning("a change to version %d of a document at %d", identifier.version, document.version)
            self.give_up(identifier.uri)
            return
        for change in changes:
            replaced = document.apply(change, self.encoding)
            self.changes.note(document.uri, replaced.first, replaced.removed, replaced.added)
        if identifier.version is not None:
            document.version = identifier.version
        self._changed(identifier.uri)

    def change_notebook(self, change: types.NotebookDocumentChangeEvent) -> None:
        """Follow cells that were added, removed or edited."""
        if change.cells is None:
            return
        if change.cells.structure is not None:
            self.close(change.cells.structure.did_close or ())
            self.open(change.cells.structure.did_open or ())
        for content in change.cells.text_content or ():
            self.change(content.document, [_content_change(event) for event in content.changes])

    def _forget(self, uri: str) -> None:
        self._out_of_step.discard(uri)
        self.changes.forget(uri)
        if self._documents.pop(uri, None) is not None:
            self._changed(uri)


def _replaced(old: Sequence[str], new: Sequence[str]) -> ReplacedLines:
    """The lines that differ between two texts, from the first one to the last."""
    head, tail = common_ends(old, new)
    return ReplacedLines(head, old[head : len(old) - tail], len(new) - tail - head)


def _content_change(event: types.TextDocumentContentChangeEvent) -> ContentChange:
    return ContentChange(event.text, event.range if isinstance(event, types.TextDocumentContentChangePartial) else None)
