"""Strings of a Python file that say the same in several places: keys, and other words of one class or function."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from bench.edits.follow.group import Group, Slot, worth_following
from bench.edits.follow.source import Source
from infill.request import Span

_WORD = re.compile(r"[A-Za-z][\w-]{2,30}")
_LOOK_UPS = frozenset({"get", "pop", "setdefault"})
_CHANGED_STRINGS = 2
"""A string that is no key says the same elsewhere by chance, until a second one is changed."""


def literals(source: Source) -> Iterator[Group]:
    """Words that are keys wherever they stand in the file, or nowhere; none that a text quotes."""
    keys = set(map(id, _keys(source.tree)))
    docstrings = {id(node.value) for node in ast.walk(source.tree) if isinstance(node, ast.Expr)}
    pieces = {id(part) for node in ast.walk(source.tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    nodes: dict[str, list[ast.Constant]] = {}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _WORD.fullmatch(node.value):
            nodes.setdefault(node.value, []).append(node)
    for word, found in sorted(nodes.items()):
        spans = sorted(span for node in found if (span := _inner(source, node)))
        unlike = any(id(node) in docstrings | pieces for node in found)
        unlike = unlike or len(re.findall(rf"""(["'`]){word}\1""", source.text)) > len(found)
        is_key = [id(node) in keys for node in found]
        if unlike or len(spans) < len(found) or (any(is_key) and not all(is_key)):
            continue
        changed = 1 if all(is_key) else _CHANGED_STRINGS
        if worth_following(source.text, spans, changed) and (all(is_key) or _is_together(source, spans)):
            slots = tuple(map(Slot, spans))
            yield Group("key" if all(is_key) else "string", word, slots[:changed], slots[changed:])


def _keys(tree: ast.AST) -> Iterator[ast.expr]:
    """Expressions that something is looked up by."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript):
            yield node.slice
        elif isinstance(node, ast.Dict):
            yield from filter(None, node.keys)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _LOOK_UPS:
            yield from node.args[:1]
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
            yield node.left


def _inner(source: Source, node: ast.Constant) -> Span | None:
    """What stands between the quotes of a plain string."""
    span = source.span(node)
    inner = Span(start=span.start + 1, end=max(span.start + 1, span.end - 1))
    return inner if source.text[inner.start : inner.end] == node.value else None


def _is_together(source: Source, spans: list[Span]) -> bool:
    """Whether one class or function of the file's own holds them all."""
    return any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and source.span(node).start <= spans[0].start
        and spans[-1].end <= source.span(node).end
        for node in source.tree.body
    )
