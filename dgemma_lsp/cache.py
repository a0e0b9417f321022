"""Typing through a suggestion needs no engine: what is left of it is still the suggestion.

Remembers, per document, what was offered last and the window it was offered for. A text that differs from that window
by nothing but the beginning of the suggestion, typed at the cursor, is answered with the rest of it.
"""

from __future__ import annotations

from dgemma_lsp.context import Window


class Offers:
    """The last offer in each document."""

    def __init__(self) -> None:
        self._offers: dict[str, tuple[Window, tuple[str, ...]]] = {}

    def remember(self, uri: str, window: Window, texts: tuple[str, ...]) -> None:
        """Note what is now on offer in a document."""
        self._offers[uri] = (window, texts)

    def recall(self, uri: str, window: Window) -> tuple[str, ...]:
        """What is left of the offers after what has been typed since; empty where none fits."""
        if uri not in self._offers:
            return ()
        offered, texts = self._offers[uri]
        before = offered.prefix
        if offered.first_line != window.first_line or offered.suffix != window.suffix:
            return ()
        if not window.prefix.startswith(before):
            return ()
        typed = window.prefix[len(before) :]
        return tuple(text[len(typed) :] for text in texts if text.startswith(typed) and text != typed)

    def forget(self, uri: str | None = None) -> None:
        """Drop the offers in one document, or in all."""
        if uri is None:
            self._offers.clear()
        else:
            self._offers.pop(uri, None)
