"""What a parser says of a text: how broken it is, and where a statement ends. Of languages without a grammar only the
brackets and quotes are known.

Grammars are imported when a text in their language first asks; a parse takes about a millisecond for a window's text.
Offsets are code points.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from importlib import import_module
from itertools import accumulate, pairwise

from tree_sitter import Language, Node, Parser

from infill.request import Span
from infill.syntax.brackets import unmatched
from infill.syntax.python_blocks import indentation_errors
from infill.text.languages import facts_of

# Nodes that begin with their first statement, and so at the same place, but hold its siblings too.
_CONTAINERS = frozenset({"block", "statement_list"})
# How grammars call what stands by itself; blocks and parameters do not.
_STATEMENT = re.compile(r"(^|_)(?<!compound_)(?<!parameter_)(statement|definition|declaration|item)$")

# Nodes that stand above a statement and are about it.
_ABOUT_BELOW = re.compile("comment|attribute|annotation|decorator")
_LONE_CR = re.compile("\r(?!\n)")


@lru_cache(maxsize=256)
def error_count(text: str, language: str) -> int:
    """Number of places where the text departs from its language's grammar; of brackets and quotes without a partner for
    a language without one."""
    parser = _parser(language)
    if parser is None:
        return unmatched(text)
    source = _encode(text)
    root = parser.parse(source).root_node
    errors = sum(1 for node in _damaged(root) if node.is_error or node.is_missing)
    return errors + indentation_errors(root, source) if language == "python" else errors


def misindented(text: str, language: str) -> int:
    """Number of blocks that are indented otherwise than the language demands; 0 where it demands nothing."""
    parser = _parser(language) if language == "python" else None
    if parser is None:
        return 0
    source = _encode(text)
    return indentation_errors(parser.parse(source).root_node, source)


def has_grammar(language: str) -> bool:
    return bool(facts_of(language).grammar)


def parsed(text: str, language: str) -> Node | None:
    """The root of a text's syntax tree, whose offsets are bytes; None where the language has no grammar."""
    parser = _parser(language)
    return None if parser is None else parser.parse(_encode(text)).root_node


def comment_start(text: str, position: int, language: str) -> int | None:
    """Where the comment begins that the character at `position` is part of; None where it is part of none, or the
    language has no grammar."""
    source, _, node = _node_at(text, position, language)
    return len(source[: node.start_byte].decode()) if node is not None and "comment" in node.type else None


def statement_end(text: str, start: int, language: str) -> int | None:
    """Where the statement that begins exactly at `start` ends; None where none begins there, it is broken, or the
    language has no grammar."""
    source, at, node = _node_at(text, start, language)
    statement = None
    while node is not None and node.parent is not None and node.start_byte == at:
        if node.is_named and node.type not in _CONTAINERS:
            statement = node
        node = node.parent
    if statement is None or statement.has_error:
        return None
    return len(source[: statement.end_byte].decode())


def enclosing_statement(text: str, position: int, language: str) -> Span | None:
    """The smallest statement or definition with the character at `position`; None for a comment, where there is none,
    or where the language has no grammar."""
    source, _, node = _node_at(text, position, language)
    if node is None or "comment" in node.type:
        return None
    while node is not None and not _STATEMENT.search(node.type):
        node = node.parent
    if node is None:
        return None
    return Span(start=len(source[: node.start_byte].decode()), end=len(source[: node.end_byte].decode()))


def spanning_nodes(text: str, places: Sequence[int], language: str) -> list[int] | None:
    """For each place, in order, the number of syntax nodes that hold the character there and the last one before it
    that is not blank; one more where what stands there belongs to what stands above, as a closing bracket or a block
    does, or that to this, as a comment does. None where the language has no grammar."""
    parser = _parser(language)
    if parser is None:
        return None
    # Not every grammar takes a lone carriage return for the end of a line.
    source = _encode(_LONE_CR.sub("\n", text))
    firsts = [*accumulate(len(_encode(text[start:end])) for start, end in pairwise([0, *places]))]
    lasts = [len(source[:first].rstrip()) - 1 for first in firsts]
    changes = [0] * (len(places) + 1)
    above, below = dict[int, Node](), dict[int, Node]()
    waiting = [parser.parse(source).root_node] if places else []
    while waiting:
        node = waiting.pop()
        if node.end_byte <= lasts[0] or node.start_byte > firsts[-1]:
            continue
        low, high = bisect_left(lasts, node.start_byte), bisect_left(firsts, node.end_byte)
        if low < high:
            changes[low] += 1
            changes[high] -= 1
        # The outermost nodes, which come first, stand for what is above and below.
        if high < len(places) and node.start_byte <= lasts[high] < node.end_byte:
            above.setdefault(high, node)
        below.setdefault(node.start_byte, node)
        waiting += node.children
    joined = [_is_joined(above.get(i), below.get(first), source) for i, first in enumerate(firsts)]
    return [count + own for count, own in zip(accumulate(changes[:-1]), joined, strict=True)]


def _is_joined(above: Node | None, below: Node | None, source: bytes) -> bool:
    """Whether what stands below belongs to what stands above, or that to this."""
    if below is not None and (not below.is_named or below.type in _CONTAINERS):
        return True
    if above is None or below is None or not _ABOUT_BELOW.search(above.type):
        return False
    stands_alone = not source[: above.start_byte].rpartition(b"\n")[2].strip()
    return stands_alone and source.count(b"\n", above.end_byte - 1, below.start_byte) == 1


def _node_at(text: str, position: int, language: str) -> tuple[bytes, int, Node | None]:
    """A text's bytes, the offset of a character in them, and the smallest node that covers it; None where the language
    has no grammar."""
    source, at = _encode(text), len(_encode(text[:position]))
    parser = _parser(language)
    return source, at, parser and parser.parse(source).root_node.descendant_for_byte_range(at, at + 1)


@cache
def _parser(language: str) -> Parser | None:
    if not has_grammar(language):
        return None
    module, function = facts_of(language).grammar
    grammar: object = getattr(import_module(module), function)()
    return Parser(Language(grammar))


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "replace")  # Lone surrogates, one byte each.


def _damaged(root: Node) -> Iterator[Node]:
    """The nodes on the way to an error. Not recursive, since an expression of a thousand operands is as deep."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.has_error or node.is_missing:
            yield node
            waiting += node.children
