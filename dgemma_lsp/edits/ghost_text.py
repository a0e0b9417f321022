"""Ghost text: the form in which VS Code's inline completion can show an edit, which is insertions at the cursor only.

It shows an item where the text before the cursor is the same in both texts and what stands after it is a part of the
new text, in order; anything else is dropped without a word. So whatever is not that gets no ghost text here.
"""

from __future__ import annotations

from collections.abc import Sequence

from dgemma_lsp.documents.hunks import Hunk
from dgemma_lsp.documents.lines import Place, content_length, text_between
from infill.text.lines import to_line_feeds


def ghost_text(lines: Sequence[str], start: Place, end: Place, text: str, cursor: Place) -> Hunk | None:
    """An edit as an inline completion at the cursor, whose lines end in line feeds, as editors turn them into the
    document's own; None where it cannot be shown as one.

    A range on the cursor's line is extended to the cursor; lines that are put below the cursor's, when it stands at its
    end, become an insertion at the cursor.
    """
    text = to_line_feeds(text)
    line = lines[cursor.line]
    at_end = cursor.column == content_length(line)
    if start == end == Place(cursor.line + 1, 0) and at_end and text.endswith("\n"):
        return Hunk(start=cursor, end=cursor, text="\n" + text[:-1])
    if not start.line == end.line == cursor.line:
        return None
    first, last = min(start, cursor), max(end, cursor)
    new = text_between(lines, first, start) + text + text_between(lines, end, last)
    old = text_between(lines, first, last)
    before, after = old[: cursor.column - first.column], old[cursor.column - first.column :]
    if not new.startswith(before) or not _is_part(after, new[len(before) :]):
        return None
    return Hunk(start=first, end=last, text=new)


def _is_part(text: str, whole: str) -> bool:
    """Whether the characters of a text stand in another one, in order."""
    rest = iter(whole)
    return all(character in rest for character in text)
