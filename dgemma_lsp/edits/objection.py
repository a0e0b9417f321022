"""What is never suggested as an edit, however likely it is."""

from __future__ import annotations

from collections.abc import Sequence

from dgemma_lsp.documents.changes import DocumentChange
from dgemma_lsp.edits.edit import Edit
from infill.text.lines import is_import


def is_objectionable(edit: Edit, lines: Sequence[str], changes: Sequence[DocumentChange], *, replayed: bool) -> bool:
    """Whether an edit must not be offered: it takes back what was just typed or deleted, or it changes nothing but
    blanks; one that the model made also where it only touches imports, or deletes more than it rewrites.

    lines: of its document. changes: recent ones. replayed: what a change makes there when it is done over again.
    """
    if "".join(edit.old.split()) == "".join(edit.text.split()):
        return True
    if _takes_back(edit, lines, changes):
        return True
    if replayed:
        return False
    return _only_imports(edit, lines) or len(edit.old) > 2 * len(edit.text)


def _takes_back(edit: Edit, lines: Sequence[str], changes: Sequence[DocumentChange]) -> bool:
    """Whether it makes of changed lines what they were before."""
    for change in changes:
        if change.uri != edit.uri or not (change.first <= edit.start.line and edit.end.line <= change.last):
            continue
        now = lines[change.first : max(change.last, edit.end.line + 1)]
        head = "".join(now[: edit.start.line - change.first]) + lines[edit.start.line][: edit.start.column]
        tail = lines[edit.end.line][edit.end.column :] + "".join(now[edit.end.line + 1 - change.first :])
        made = head + edit.text + tail
        was = "".join((*change.before, *lines[change.last : edit.end.line + 1]))
        if made.split() == was.split() or (not edit.text.strip() and edit.old.strip() not in "".join(change.before)):
            return True
    return False


def _only_imports(edit: Edit, lines: Sequence[str]) -> bool:
    """Whether all lines that it touches or brings are imports."""
    own = [*lines[edit.start.line : edit.end.line + 1], *edit.text.splitlines()[1:]]
    return all(is_import(line) for line in own if line.strip())
