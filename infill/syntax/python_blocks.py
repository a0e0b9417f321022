"""Python's blocks: what is wrong with a text's indentation, which its tree-sitter grammar accepts as it comes.

A window may begin and end anywhere: nothing is wrong where the first lines stand within blocks whose headers are not
shown, nor where the last one is a header whose body is not shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from tree_sitter import Node

# Statements, and their parts, that hold blocks.
_COMPOUND = frozenset(
    f"{kind}_{part}"
    for part, kinds in {
        "statement": ("if", "for", "while", "with", "try", "match"),
        "clause": ("else", "elif", "except", "except_group", "finally", "case"),
        "definition": ("function", "class", "decorated"),
    }.items()
    for kind in kinds
)


def indentation_errors(root: Node, source: bytes) -> int:
    """The number of blocks with lines that are indented otherwise than their first, of parts of a statement that are
    indented otherwise than its head, and of headers without a body. root: of the whole source."""
    return _in_module(root, source) + sum(_in_compound(node, source) for node in _compounds(root))


def _compounds(root: Node) -> Iterator[Node]:
    waiting = [root]
    while waiting:
        for child in waiting.pop().named_children:
            if child.type in _COMPOUND:
                yield child
                waiting.append(child)
            elif child.type == "block":
                waiting.append(child)


def _in_module(module: Node, source: bytes) -> int:
    """Whether a line is indented without a header; further out the blocks may end that a window began in."""
    margins = list(_margins(module, source))
    return any(len(inner) > len(outer) for outer, inner in pairwise(margins))


def _in_compound(node: Node, source: bytes) -> int:
    own, errors = _margin(node, source), 0
    for child in node.named_children:
        if child.type == "block":
            margins = set(_margins(child, source))
            errors += len(margins) > 1 or (not child.named_children and not _ends(child, source))
        elif child.type in _COMPOUND or child.type == "decorator":
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
