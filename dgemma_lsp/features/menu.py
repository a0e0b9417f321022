"""Suggestions as items of a completion menu, for editors that know no inline completion.

An item replaces the word before the cursor by this word and the suggestion, since menus filter their items by it.
"""

from __future__ import annotations

from dataclasses import dataclass

from lsprotocol import types

from dgemma_lsp.documents.positions import PositionEncoding, to_place, to_units
from dgemma_lsp.documents.store import Document
from dgemma_lsp.lsp.handshake import TRIGGER_CHARACTERS
from dgemma_lsp.lsp.rpc import InlineCompletionParams, TextDocument
from infill.text.words import start_of_word

OPTIONS = types.CompletionOptions(trigger_characters=TRIGGER_CHARACTERS)
DETAIL = "dgemma (generated)"
LAST = "~"
"""Sorts behind the letters, and so behind what servers that know the language have."""

LABEL_LENGTH = 60


def wants_menu(capabilities: types.ClientCapabilities) -> bool:
    """Whether an editor, having no inline completion, is offered a menu."""
    documents = capabilities.text_document
    return documents is None or documents.inline_completion is None


def keeps_indentation(capabilities: types.ClientCapabilities) -> bool:
    """Whether an editor can be told to leave the indentation of an item's lines as it is."""
    completion = capabilities.text_document and capabilities.text_document.completion
    modes = completion and completion.completion_item and completion.completion_item.insert_text_mode_support
    return modes is not None and types.InsertTextMode.AsIs in modes.value_set


@dataclass(frozen=True, slots=True, kw_only=True)
class Menu:
    """What is asked with a menu. word: before the cursor. start: of the word, in units of the protocol."""

    params: types.CompletionParams
    word: str
    start: types.Position

    @classmethod
    def at(cls, params: types.CompletionParams, document: Document | None, encoding: PositionEncoding) -> Menu:
        """Read the request against the document."""
        position = params.position
        if document is None or position.line >= len(document.lines):
            return cls(params=params, word="", start=position)
        line = document.lines[position.line]
        place = to_place(document.lines, position.line, position.character, encoding)
        before = line[: place.column]
        start = start_of_word(before)
        units = to_units(before[:start], encoding)
        return cls(params=params, word=before[start:], start=types.Position(position.line, units))

    def question(self) -> InlineCompletionParams:
        """The same request for an inline completion.

        Editors say that a menu was invoked, too, where they open it while a word is typed; so only where no word is
        being typed has the user asked for it.
        """
        context = self.params.context
        invoked = context is None or context.trigger_kind is types.CompletionTriggerKind.Invoked
        kinds = types.InlineCompletionTriggerKind
        return InlineCompletionParams(
            TextDocument(self.params.text_document.uri),
            self.params.position,
            types.InlineCompletionContext(kinds.Invoked if invoked and not self.word else kinds.Automatic),
        )

    def show(self, answer: types.InlineCompletionList, *, keeps_indentation: bool) -> types.CompletionList:
        """The answer; incomplete, because what is typed next may call for something else."""
        mode = types.InsertTextMode.AsIs if keeps_indentation else None
        return types.CompletionList(
            is_incomplete=True,
            items=[self._item(item, rank, mode) for rank, item in enumerate(answer.items)],
        )

    def _item(
        self, suggestion: types.InlineCompletionItem, rank: int, mode: types.InsertTextMode | None
    ) -> types.CompletionItem:
        text = f"{self.word}{suggestion.insert_text}"
        first, *others = text.strip().split("\n")
        cut = first[:LABEL_LENGTH].rstrip()
        end = self.params.position if suggestion.range is None else suggestion.range.end
        return types.CompletionItem(
            label=cut if cut == first and not others else f"{cut} …",
            kind=types.CompletionItemKind.Text,
            detail=DETAIL,
            documentation=text if others else None,
            filter_text=text.split("\n")[0] or first,
            sort_text=f"{LAST}{rank}",
            insert_text_format=types.InsertTextFormat.PlainText,
            insert_text_mode=mode,
            text_edit=types.TextEdit(types.Range(self.start, end), text),
        )
