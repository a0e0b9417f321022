"""What a parser says of a text: its syntax tree, and how broken it is. Of languages without a grammar only the brackets
and quotes are known.

Grammars are imported when a text in their language first asks, or all at once before that; a parse takes about a
millisecond for a window's text. Offsets are code points.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib import import_module
from itertools import pairwise

from tree_sitter import Language, Node, Parser

from infill.request import Span
from infill.syntax.brackets import unmatched
from infill.text.languages import facts_of, languages

# Python's statements, and their parts, that hold blocks.
_COMPOUND = re.compile(
    r"(if|for|while|with|try|match)_statement|(else|elif|except|except_group|finally|case)_clause"
    r"|(function|class|decorated)_definition"
)
# Characters of more than one byte: those of words, and others.
_WORD_CHARACTER = re.compile(r"[^\W\x00-\x7f]")
_OTHER_CHARACTER = re.compile(r"[^\x00-\x7f]")


def has_grammar(language: str) -> bool:
    return bool(facts_of(language).grammar)


def parsed(text: str, language: str) -> Node | None:
    """The root of a text's syntax tree, whose offsets are code points; None where the language has no grammar."""
    # One byte for each code point, so that the tree's offsets are the text's.
    return _root(_OTHER_CHARACTER.sub(" ", _WORD_CHARACTER.sub("x", text)).encode(), language)


def node_at(text: str, position: int, language: str) -> Node | None:
    """The smallest node of a text's syntax tree that holds the character at a position."""
    root = parsed(text, language)
    return root and root.descendant_for_byte_range(position, position + 1)


def upwards(node: Node | None) -> Iterator[Node]:
    """A node and those around it, from the inside."""
    while node is not None:
        yield node
        node = node.parent


def span_of(node: Node) -> Span:
    """Where a node of `parsed` stands."""
    return Span(start=node.start_byte, end=node.end_byte)


def comment_start(text: str, position: int, language: str) -> int | None:
    """Where the comment begins that the character at `position` is part of; None where it is part of none, or the
    language has no grammar."""
    node = node_at(text, position, language)
    return node.start_byte if node is not None and "comment" in node.type else None


@lru_cache(maxsize=256)
def error_count(text: str, language: str) -> int:
    """Number of places where the text departs from its language's grammar; of brackets and quotes without a partner for
    a language without one."""
    source = _encoded(text)
    root = _root(source, language)
    if root is None:
        return unmatched(text)
    errors = sum(1 for node in _damaged(root) if node.is_error or node.is_missing)
    return errors + _indentation_errors(root, source) if language == "python" else errors


def misindented(text: str, language: str) -> int:
    """Number of blocks that are indented otherwise than the language demands; 0 where it demands nothing."""
    source = _encoded(text)
    root = _root(source, language) if language == "python" else None
    return 0 if root is None else _indentation_errors(root, source)


def _root(source: bytes, language: str) -> Node | None:
    parser = _parser(language)
    return parser and parser.parse(source).root_node


def load_grammars() -> None:
    """Import all grammars, a matter of milliseconds, so that no text waits for its own."""
    for language in languages():
        _parser(language)


@cache
def _parser(language: str) -> Parser | None:
    if not has_grammar(language):
        return None
    module, function = facts_of(language).grammar
    grammar: object = getattr(import_module(module), function)()
    return Parser(Language(grammar))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")  # Lone surrogates, one byte each.


def _damaged(root: Node) -> Iterator[Node]:
    """The nodes on the way to an error. Not recursive, since an expression of a thousand operands is as deep."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.has_error or node.is_missing:
            yield node
            waiting += node.children


def _indentation_errors(root: Node, source: bytes) -> int:
    """What is wrong with the indentation of a text in Python, which its grammar accepts as it comes: the number of
    blocks with lines that are indented otherwise than their first, of parts of a statement that are indented otherwise
    than its head, and of headers without a body.

    A window may begin and end anywhere: nothing is wrong where the first lines stand within blocks whose headers are
    not shown, nor where the last one is a header whose body is not shown.
    """
    # A line must not be indented without a header; further out the blocks may end that a window began in.
    errors = int(any(len(inner) > len(outer) for outer, inner in pairwise(_margins(root, source))))
    waiting = [root]
    while waiting:
        for child in waiting.pop().named_children:
            if _COMPOUND.fullmatch(child.type):
                errors += _errors_in_compound(child, source)
                waiting.append(child)
            elif child.type == "block":
                waiting.append(child)
    return errors


def _errors_in_compound(node: Node, source: bytes) -> int:
    own, errors = _margin(node, source), 0
    for child in node.named_children:
        if child.type == "block":
            margins = set(_margins(child, source))
            errors += len(margins) > 1 or (not child.named_children and not _ends(child, source))
        elif _COMPOUND.fullmatch(child.type) or child.type == "decorator":
            errors += own is not None and _margin(child, source) not in (own, None)
    return errors


def _margins(block: Node, source: bytes) -> Iterator[bytes]:
    """The blanks before each statement that begins a line."""
    for child in block.named_children:
        margin = None if child.type in ("comment", "ERROR") else _margin(child, source)
        if margin is not None:
            yield margin


def _margin(node: Node, source: bytes) -> bytes | None:
    """The blanks before a node; None where there is something else on its line."""
    margin = source[node.start_byte - node.start_point.column : node.start_byte]
    return margin if not margin.strip(b" \t\f") else None


def _ends(block: Node, source: bytes) -> bool:
    """Whether only blanks and comments follow, up to the end of the source."""
    return all(line.lstrip().startswith(b"#") for line in source[block.end_byte :].split(b"\n")[1:] if line.strip())
