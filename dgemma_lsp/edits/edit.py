"""An edit on offer: one contiguous range of a document and its new text, and its forms on the wire."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from lsprotocol import types

from dgemma_lsp.documents.hunks import Hunk
from dgemma_lsp.documents.lines import Place, split_lines, text_between
from dgemma_lsp.documents.positions import PositionEncoding, to_position
from dgemma_lsp.edits.ghost_text import ghost_text
from dgemma_lsp.lsp.handshake import COMMANDS
from infill.edit.change import tokens
from infill.text.lines import common_ends

ACCEPTED, REJECTED = COMMANDS
TITLE = "Accept the edit"
IN_SIGHT = 2
"""Lines from the cursor beyond which an editor jumps to an edit before it is made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A text in place of another. old: what stands from `start` to `end`."""

    uri: str
    version: int
    start: Place
    end: Place
    old: str
    text: str
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    @classmethod
    def of(cls, uri: str, version: int, lines: Sequence[str], hunk: Hunk) -> Edit:
        """A hunk without what stays the same at its ends, cut between tokens."""
        old = text_between(lines, hunk.start, hunk.end)
        before, after = tokens(old), tokens(hunk.text)
        head, tail = common_ends(before, after)
        start = _after(hunk.start, "".join(before[:head]))
        end = _after(hunk.start, "".join(before[: len(before) - tail]))
        return cls(
            uri=uri,
            version=version,
            start=start,
            end=end,
            old="".join(before[head : len(before) - tail]),
            text="".join(after[head : len(after) - tail]),
        )

    @property
    def command(self) -> types.Command:
        """What a client runs once the user has accepted it."""
        return types.Command(title=TITLE, command=ACCEPTED, arguments=[self.id])

    def range(self, lines: Sequence[str], encoding: PositionEncoding) -> types.Range:
        return _range(lines, self.start, self.end, encoding)

    def pieces(self, lines: Sequence[str], encoding: PositionEncoding) -> list[types.TextEdit]:
        """The edit as replacements of the tokens that change, in order."""
        before, after = tokens(self.old), tokens(self.text)
        made: list[types.TextEdit] = []
        for tag, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
            if tag != "equal":
                start, end = (_after(self.start, "".join(before[:at])) for at in (i, j))
                made.append(types.TextEdit(_range(lines, start, end, encoding), "".join(after[k:m])))
        return made

    def to_json(self, lines: Sequence[str], cursor: Place | None, encoding: PositionEncoding) -> dict[str, object]:
        """The object of `dgemma/inlineEdit`. cursor: in the edit's document; None where it is in another one."""
        own = self.range(lines, encoding)
        ghost = None if cursor is None else ghost_text(lines, self.start, self.end, self.text, cursor)
        far = cursor is None or not (self.start.line - IN_SIGHT <= cursor.line <= self.end.line + IN_SIGHT)
        answer: dict[str, object] = {
            "id": self.id,
            "textDocument": {"uri": self.uri, "version": self.version},
            "range": own,
            "newText": self.text,
            "hunks": self.pieces(lines, encoding),
            "position": own.start,
            "jump": far,
            "command": self.command,
        }
        if ghost is not None:
            answer["ghostText"] = {"range": _range(lines, ghost.start, ghost.end, encoding), "insertText": ghost.text}
        return answer

    def to_copilot(self, lines: Sequence[str], encoding: PositionEncoding) -> dict[str, object]:
        """The object of `textDocument/copilotInlineEdit`."""
        return {
            "text": self.text,
            "textDocument": {"uri": self.uri, "version": self.version},
            "range": self.range(lines, encoding),
            "command": self.command,
        }


def _range(lines: Sequence[str], start: Place, end: Place, encoding: PositionEncoding) -> types.Range:
    return types.Range(to_position(lines, start, encoding), to_position(lines, end, encoding))


def _after(start: Place, text: str) -> Place:
    """Where a text ends that begins in a place."""
    lines = split_lines(text)
    column = len(lines[-1]) + (start.column if len(lines) == 1 else 0)
    return Place(start.line + len(lines) - 1, column)
