"""Typing through a suggestion needs no engine: what is left of it is still the suggestion.

Remembers, per document, what was offered last and to which question. A question whose text differs from that by nothing
but the beginning of the suggestion, typed at the cursor, is answered with the rest of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dgemma_lsp.documents.lines import Place, text_between
from dgemma_lsp.features.inline import InlineQuestion
from infill.text.lines import to_line_feeds


@dataclass(frozen=True, slots=True)
class _Offer:
    question: InlineQuestion
    texts: tuple[str, ...]


class TypedThrough:
    """The last offer in each document."""

    def __init__(self) -> None:
        self._offers: dict[str, _Offer] = {}

    def remember(self, uri: str, question: InlineQuestion, texts: tuple[str, ...]) -> None:
        """Note what is now on offer in a document."""
        self._offers[uri] = _Offer(question, texts)

    def recall(self, uri: str, question: InlineQuestion) -> tuple[str, ...]:
        """What is left of the best offer that goes on as has been typed since and as the editor's completion menu has
        it; empty where there is none, or where the engine has to be asked: by the user, or, with nothing typed since,
        whether what the user was shown may be shown unasked."""
        offer = self._offers.get(uri)
        if offer is None or question.explicit:
            return ()
        old, new = offer.question, question
        before, standing = old.window.prefix, new.window.prefix + new.window.middle
        if (old.window.first_line, old.window.suffix) != (new.window.first_line, new.window.suffix):
            return ()
        if not standing.startswith(before) or (old.explicit and standing == before + old.window.middle):
            return ()
        # What continues an entry of the completion menu was not looked for without that entry.
        if old.must_start_with not in (None, new.must_start_with):
            return ()
        rests = (
            (before + text)[len(new.window.prefix) :]
            for text in offer.texts
            if (before + text).startswith(standing) and before + text != standing
        )
        return tuple(rest for rest in rests if new.admits(rest))[:1]

    def drop_accepted(self, uri: str, lines: Sequence[str]) -> None:
        """Forget the offer in a document, whose lines these are, once all of a text stands there: it has been accepted,
        and where the user takes it back it is not wanted."""
        offer = self._offers.get(uri)
        if offer is not None and any(_stands(lines, offer.question.start, text) for text in offer.texts):
            del self._offers[uri]

    def forget(self, uri: str | None = None) -> None:
        """Drop the offers in one document, or in all."""
        if uri is None:
            self._offers.clear()
        else:
            self._offers.pop(uri, None)


def _stands(lines: Sequence[str], start: Place, text: str) -> bool:
    # An editor changes the ends of an item's lines to the document's.
    text = to_line_feeds(text)
    last = start.line + text.count("\n")
    if last >= len(lines):
        return False
    return to_line_feeds(text_between(lines, start, Place(last, len(lines[last])))).startswith(text)
