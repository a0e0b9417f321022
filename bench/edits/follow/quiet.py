"""Changes in a Python file from which nothing follows: what was typed is finished, and the rest is as it should be.

The file once everything is typed is the author's own, but for changed numbers, layout and added comments.
"""

from __future__ import annotations

import ast
import io
import random
import re
import tokenize
from collections.abc import Iterator
from typing import Literal, TypeAlias

from bench.edits.follow.case import EditCase, Replacement
from bench.edits.follow.source import Source
from bench.nano.lines import line_of, line_starts
from infill.request import Span

QuietKind: TypeAlias = Literal["line", "comment", "number", "layout", "finished"]
Change: TypeAlias = "tuple[QuietKind, Replacement, Replacement]"
"""Its kind, what has to be put into the file first, and what is typed then."""
_SIMPLE = ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Expr | ast.Return | ast.Raise | ast.Assert
_OPERATOR = re.compile(r"(?<=[\w\])])(?: ([-+*/%]|==|<=|>=) |([*/+-]))(?=[\w(])")
_LEAST_NUMBER = 3
_LEAST_TYPED = 3
_NOTHING = Replacement(span=Span(start=0, end=0), text="")


def changes(source: Source, rng: random.Random) -> Iterator[Change]:
    """Every change, as its kind, what has to be put into the file first, and what is typed then."""
    for node in ast.walk(source.tree):
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if isinstance(node, _SIMPLE) and not is_text and _stands_alone(source, node):
            yield from _line(source, node)
            yield from _finished(source, node, rng)
            yield from _wrapped(source, node)
    yield from _comments(source)
    yield from _numbers(source, rng)
    yield from _blank_lines(source)
    yield from _spaces(source)


def case_of(change: Change, *, name: str, path: str, text: str) -> EditCase:
    """The case of a change."""
    kind, first, typed = change
    return EditCase(name=name, kind=kind, path=path, text=first.applied(text), typed=(typed,))


def _stands_alone(source: Source, node: ast.stmt) -> bool:
    """Whether a statement has a line to itself, below another line."""
    span = source.span(node)
    line = line_of(source.text, span.start)
    alone = source.text[line.start : line.end].strip() == source.text[span.start : span.end]
    return alone and node.lineno == node.end_lineno and line.start > 0 and not source.in_prose(span)


def _taken_out(span: Span, text: str, kind: QuietKind) -> Change:
    """What stands at a span, typed in its place."""
    out = Replacement(span=span, text="")
    typed = Replacement(span=Span(start=span.start, end=span.start), text=text[span.start : span.end])
    return kind, out, typed


def _line(source: Source, node: ast.stmt) -> Iterator[Change]:
    """A whole line, with the end of the one above it."""
    line = line_of(source.text, source.span(node).start)
    yield _taken_out(Span(start=line.start - 1, end=line.end), source.text, "line")


def _finished(source: Source, node: ast.stmt, rng: random.Random) -> Iterator[Change]:
    """The rest of a line from somewhere within it."""
    span = source.span(node)
    if span.end - span.start > 2 * _LEAST_TYPED:
        cut = rng.randint(span.start + _LEAST_TYPED, span.end - _LEAST_TYPED)
        yield _taken_out(Span(start=cut, end=span.end), source.text, "finished")


def _comments(source: Source) -> Iterator[Change]:
    """A comment with a line to itself, or behind code."""
    starts = line_starts(source.text)
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        start = starts[token.start[0] - 1] + token.start[1]
        if token.type == tokenize.COMMENT and start > 0 and len(token.string) > 2 * _LEAST_TYPED:
            before = source.text[:start].rstrip(" ")
            above = before.endswith("\n")
            end = start + len(token.string)
            yield _taken_out(Span(start=len(before) - above, end=end), source.text, "comment")


def _numbers(source: Source, rng: random.Random) -> Iterator[Change]:
    """Another number where one stands that stands nowhere else in the file."""
    present = re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])", source.text)
    for node in ast.walk(source.tree):
        number = source.of(node) if isinstance(node, ast.Constant) else ""
        if isinstance(node, ast.Constant) and present.count(number) == 1 and float(number) >= _LEAST_NUMBER:
            other = rng.choice("123456789") + number[1:]
            if other not in present:
                yield "number", _NOTHING, Replacement(span=source.span(node), text=other)


def _blank_lines(source: Source) -> Iterator[Change]:
    """A blank line between statements that has none there."""
    for node in source.functions:
        for statement in node.body[1:]:
            line = line_of(source.text, source.span(statement).start)
            if source.text[line.start - 2 : line.start].count("\n") == 1 and source.text[line.start : line.end].strip():
                at = Span(start=line.start - 1, end=line.start - 1)
                yield "layout", _NOTHING, Replacement(span=at, text="\n")


def _spaces(source: Source) -> Iterator[Change]:
    """Spaces around an operator where there are none, or none where there are."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.BinOp) and node.lineno == node.end_lineno:
            span = source.span(node)
            left, right = source.span(node.left).end, source.span(node.right).start
            between = _OPERATOR.fullmatch(source.text, left, right)
            if between and span.end > right:
                wide, tight = between.groups()
                spaced = Replacement(span=Span(start=left, end=right), text=wide or f" {tight} ")
                yield "layout", _NOTHING, spaced


def _wrapped(source: Source, node: ast.stmt) -> Iterator[Change]:
    """A call's arguments on a line of their own."""
    call = getattr(node, "value", None)
    if isinstance(call, ast.Call) and call.args and source.of(call).endswith(")"):
        start, end = source.span(call.func).end + 1, source.span(call).end - 1
        inner = source.text[start:end]
        line = source.text[slice(line_of(source.text, start).start, start)]
        indent = line[: len(line) - len(line.lstrip())]
        if source.text[start - 1] == "(" and inner == inner.strip() and not inner.endswith(","):
            text = f"\n{indent}    {inner},\n{indent}"
            yield "layout", _NOTHING, Replacement(span=Span(start=start, end=end), text=text)
