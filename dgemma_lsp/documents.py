"""The documents the editor has open, kept in step with it by incremental changes.

Our own store, because a document that splits its lines differently from the editor is corrupted silently by the next
edit. Documents of other schemes than a person types in (a diff view, a log) are not kept, so that every feature leaves
them alone. Does not read files.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from urllib.parse import urlsplit

from lsprotocol import types

from dgemma_lsp.convert import PositionEncoding, to_place
from dgemma_lsp.lines import replace, split_lines
from dgemma_lsp.silence import Silence

logger = logging.getLogger(__name__)

SCHEMES = frozenset({"file", "untitled", "vscode-notebook-cell"})


class Document:
    """One open document. `version` is the editor's; `lines` follow the rules of `dgemma_lsp.lines`."""

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

    def apply(self, change: types.TextDocumentContentChangeEvent, encoding: PositionEncoding) -> None:
        """Follow one change of the editor. A range past the end of a line or of the text is cut to it."""
        if isinstance(change, types.TextDocumentContentChangeWholeDocument):
            self._lines = split_lines(change.text)
            return
        ends = (change.range.start, change.range.end)
        start, end = sorted(to_place(self._lines, at.line, at.character, encoding) for at in ends)
        replace(self._lines, start, end, change.text)


class Documents:
    """All open documents and notebook cells, by URI.

    `encoding` is what the client and the server agreed on. `changed` is called with the URI of each document whose text
    changed or that was closed, after the fact.
    """

    def __init__(self, changed: Callable[[str], None]) -> None:
        self.encoding: PositionEncoding = "utf-16"
        self._changed = changed
        self._documents: dict[str, Document] = {}

    def get(self, uri: str) -> Document | None:
        """The document, or None where it is not open or of a scheme that is left alone."""
        return self._documents.get(uri)

    def open(self, items: Iterable[types.TextDocumentItem]) -> None:
        """Begin to follow these documents."""
        for item in items:
            if urlsplit(item.uri).scheme in SCHEMES:
                self._documents[item.uri] = Document(item)

    def close(self, identifiers: Iterable[types.TextDocumentIdentifier]) -> None:
        """Forget these documents."""
        for identifier in identifiers:
            if self._documents.pop(identifier.uri, None) is not None:
                self._changed(identifier.uri)

    def change(
        self,
        identifier: types.VersionedTextDocumentIdentifier,
        changes: Iterable[types.TextDocumentContentChangeEvent],
    ) -> None:
        """Apply the changes in order. Those of a document that is not open, or of a version that has passed, would
        corrupt the text and are ignored."""
        document = self._documents.get(identifier.uri)
        if document is None:
            return
        if identifier.version < document.version:
            logger.warning(
                "ignored a change of version %d: the document is at %d", identifier.version, document.version
            )
            return
        for change in changes:
            document.apply(change, self.encoding)
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
            self.change(content.document, content.changes)


def unknown_document(uri: str) -> Silence:
    """Why there is no document of this URI."""
    scheme = urlsplit(uri).scheme
    return Silence("not_open") if scheme in SCHEMES else Silence("scheme", scheme)
