"""Where a completion of whole lines ends: with the block it opened, or the one it stands in, before the next sibling.

Indentation decides, as it does for a reader; a grammar, where there is one, protects the lines of a statement that is
laid out otherwise (a long string, say). All lines end in "\\n" here.
"""

from __future__ import annotations

from infill.syntax.parser import statement_end
from infill.text.lines import OPENERS, columns_of

# How a line begins that ends a block, or goes on with its statement.
_CLOSERS = (")", "]", "}", "end")
_CONTINUATIONS = ("else", "elif", "except", "finally", "catch", "case", "default")


def cut_to_scope(text: str, before: str, after: str, language: str) -> str:
    """The text up to the end of its scope; before and after are the text around it.

    A text that begins in the middle of a line ends with that line's statement and the block it opens. One that begins
    on a blank line may hold several statements, to the end of the first block that it opens.
    """
    lines = text.split("\n")
    left = before.rpartition("\n")[2]
    first = next((i for i, line in enumerate(lines) if line.strip() or (i == 0 and left.strip())), None)
    if first is None:
        return text
    margin = columns_of(left + lines[0] if first == 0 else lines[first])
    protected = _first_statement_lines(text, before, after, language)
    opened = bool(left.strip())
    # A statement that is known to be complete is followed by siblings only; one that is not may still be closed.
    complete = protected > first + 1 or (protected > 0 and opened)
    for i in range(max(first + 1, protected), len(lines)):
        line = lines[i].strip()
        if not line:
            if margin == 0 and not opened and not complete:
                return "\n".join(lines[:i])  # At the file's margin a blank line ends the paragraph.
            continue
        depth = columns_of(lines[i])
        if depth > margin:
            opened = True
        elif depth < margin:
            return "\n".join(lines[:i])
        elif opened and not complete and line.startswith(_CLOSERS):
            if not line.endswith(OPENERS):
                return "\n".join(lines[: i + 1])
        elif complete or (opened and not line.startswith(_CONTINUATIONS)):
            return "\n".join(lines[:i])
    return text


def _first_statement_lines(text: str, before: str, after: str, language: str) -> int:
    """Number of the text's lines that belong to the statement on its first line."""
    left = before.rpartition("\n")[2]
    begins = before + text
    line_start = len(before) - len(left)
    start = line_start + len(begins[line_start:]) - len(begins[line_start:].lstrip())
    end = statement_end(begins + after, start, language)
    return 0 if end is None else text[: max(end - len(before), 0)].count("\n") + 1
