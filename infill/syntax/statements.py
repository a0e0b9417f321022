"""Statements and their scopes: which one stands at a place, where a completion of whole lines ends, and where a text
may be cut in two between its lines.

Indentation decides where a scope ends, as it does for a reader; a grammar, where there is one, protects the lines of a
statement that is laid out otherwise (a long string, say). Offsets are code points.
"""

from __future__ import annotations

import re

from tree_sitter import Node

from infill.request import Span
from infill.syntax.parser import node_at, parsed, span_of, upwards
from infill.text.lines import OPENERS, columns_of

# How a line begins that ends a block, or goes on with its statement.
_CLOSERS = (")", "]", "}", "end")
_CONTINUATIONS = ("else", "elif", "except", "finally", "catch", "case", "default")
# Nodes that begin with their first statement, and so at the same place, but hold its siblings too.
_CONTAINERS = frozenset({"block", "statement_list"})
# How grammars call what stands by itself; blocks and parameters do not.
_STATEMENT = re.compile(r"(^|_)(?<!compound_)(?<!parameter_)(statement|definition|declaration|item)$")
# Nodes that stand above a statement and are about it.
_ABOUT_BELOW = re.compile("comment|attribute|annotation|decorator")
_LONE_CR = re.compile("\r(?!\n)")


def enclosing_statement(text: str, position: int, language: str) -> Span | None:
    """The smallest statement or definition with the character at `position`; None for a comment, where there is none,
    or where the language has no grammar."""
    node = node_at(text, position, language)
    if node is None or "comment" in node.type:
        return None
    return next((span_of(around) for around in upwards(node) if _STATEMENT.search(around.type)), None)


def statement_end(text: str, start: int, language: str) -> int | None:
    """Where the statement that begins exactly at `start` ends; None where none begins there, it is broken, or the
    language has no grammar."""
    statement = None
    for node in upwards(node_at(text, start, language)):
        if node.parent is None or node.start_byte != start:
            break
        if node.is_named and node.type not in _CONTAINERS:
            statement = node
    return None if statement is None or statement.has_error else statement.end_byte


def cut_to_scope(text: str, before: str, after: str, language: str) -> str:
    """The text up to the end of its scope, before the next sibling of the block that it opens or stands in. before,
    after: the text around it. All lines end in "\\n".

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
    begins = (before.rpartition("\n")[2] + text).lstrip()
    end = statement_end(before + text + after, len(before + text) - len(begins), language)
    return 0 if end is None else text[: max(end - len(before), 0)].count("\n") + 1


def cuts(text: str, within: Span, language: str) -> dict[int, int]:
    """The places within a span at which a line's text begins, in order, but for its first, each with the number of
    syntax nodes that begin before it and end behind it. Without a grammar, 0 for the first line of a paragraph and 1
    for others."""
    text = _LONE_CR.sub("\n", text)  # Not every grammar takes one for the end of a line.
    root = parsed(text, language)
    found: dict[int, int] = {}
    after_blank, start = False, within.start
    for line in text[within.start : within.end].split("\n"):
        if line.strip() and start > within.start:
            place = start + len(line) - len(line.lstrip())
            found[place] = int(not after_blank) if root is None else _cut_apart(root, text, place)
        after_blank = not line.strip()
        start += len(line) + 1
    return found


def _cut_apart(root: Node, text: str, place: int) -> int:
    """The number of syntax nodes that hold the character at a place and the last one before it that is not blank; one
    more where what stands there belongs to what stands above, as a closing bracket or a block does, or that to this, as
    a comment does."""
    last = max(len(text[:place].rstrip()) - 1, 0)
    node = root.descendant_for_byte_range(last, place + 1)
    if node is None:
        return 0
    above, below = (
        next((child for child in node.children if child.start_byte <= at < child.end_byte), None)
        for at in (last, place)
    )
    return sum(1 for _ in upwards(node)) + _is_joined(above, below, text)


def _is_joined(above: Node | None, below: Node | None, text: str) -> bool:
    """Whether what stands below belongs to what stands above, or that to this."""
    if below is not None and (not below.is_named or below.type in _CONTAINERS):
        return True
    if above is None or below is None or not _ABOUT_BELOW.search(above.type):
        return False
    stands_alone = not text[: above.start_byte].rpartition("\n")[2].strip()
    return stands_alone and text.count("\n", above.end_byte - 1, below.start_byte) == 1
