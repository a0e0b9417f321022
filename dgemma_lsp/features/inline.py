"""Suggestions at the cursor: a position in a document becomes a request to the engine, candidates become items.

Every item carries an explicit range on one line: without one VS Code replaces the word at the cursor, and Neovim pastes
wherever the cursor is by then. The range is empty for an insertion, so nothing to the right of it is covered.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lsprotocol import types

from dgemma_lsp.config import Config
from dgemma_lsp.documents.lines import Place
from dgemma_lsp.documents.positions import PositionEncoding, to_place, to_position
from dgemma_lsp.documents.store import Document
from dgemma_lsp.documents.window import Window, cut_window, readable
from dgemma_lsp.lsp.rpc import InlineCompletionParams
from dgemma_lsp.silence import Silence
from infill.request import InfillRequest
from infill.text.lines import to_line_feeds

KIND = "inline"


@dataclass(frozen=True, slots=True, kw_only=True)
class InlineQuestion:
    """What is asked at a cursor, cut free of the document. start: of the hole. range: what an item replaces. explicit:
    the user asked, so the best candidates are shown whatever they are worth."""

    language_id: str
    window: Window
    start: Place
    range: types.Range
    must_start_with: str | None
    explicit: bool

    def request(self, *, path: str, config: Config) -> InfillRequest:
        """The request to the engine."""
        return InfillRequest(
            text=self.window.text,
            holes=self.window.holes,
            path=path,
            language_id=self.language_id,
            mode=config.inline.mode,
            n=config.inline.candidates if self.explicit else 1,
            deadline_ms=None if self.explicit else config.inline.deadline_ms,
            must_start_with=self.must_start_with,
            confidence=None if self.explicit else config.inline.confidence,
            max_line_nll=None if self.explicit else config.inline.max_line_nll,
        )

    def admits(self, text: str) -> bool:
        """Whether `text` goes on from the entry that the editor's completion menu shows, and by more than nothing."""
        return self.must_start_with is None or (text.startswith(self.must_start_with) and text != self.must_start_with)

    def items(self, texts: Iterable[str]) -> types.InlineCompletionList:
        """The answer. Line ends are LF, which editors turn into the document's own; Neovim would show a CR."""
        return types.InlineCompletionList(
            items=[types.InlineCompletionItem(insert_text=to_line_feeds(text), range=self.range) for text in texts]
        )


def inline_question(
    params: InlineCompletionParams, document: Document, encoding: PositionEncoding, config: Config
) -> InlineQuestion | Silence:
    """What a request of the protocol asks of the document, or why it cannot be served."""
    explicit = params.context.trigger_kind is types.InlineCompletionTriggerKind.Invoked
    if not explicit and not config.inline.automatic:
        return Silence("automatic_off")
    if not explicit and not config.suggests_in(document.language_id):
        return Silence("language_off", document.language_id)
    if params.text_document.version not in (None, document.version):
        return Silence("other_version")
    selected = params.context.selected_completion_info
    # Where the editor shows an entry of its completion menu, what we offer has to continue that entry.
    asked = types.Range(params.position, params.position) if selected is None else selected.range
    if asked.start.line != asked.end.line or asked.end.line >= len(document.lines):
        return Silence("no_position")
    start, end = (to_place(document.lines, at.line, at.character, encoding) for at in (asked.start, asked.end))
    if end < start:
        return Silence("no_position")
    return InlineQuestion(
        language_id=document.language_id,
        window=cut_window(document.lines, [(start, end)], before=config.context.before, after=config.context.after),
        start=start,
        range=types.Range(*(to_position(document.lines, place, encoding) for place in (start, end))),
        must_start_with=None if selected is None else readable(selected.text),
        explicit=explicit,
    )
