"""Statements in Python source that can be written in another way: conditions inverted, errors let through, variables
put where they are used. Found, like the other sites, in the syntax tree."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from bench.nano.lines import line_of
from bench.nano.offsets import Offsets
from bench.nano.sites import Site
from infill.request import Span

_OPPOSITES: dict[type[ast.cmpop], str] = {
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Lt: ">=",
    ast.GtE: "<",
    ast.Gt: "<=",
    ast.LtE: ">",
    ast.In: "not in",
    ast.NotIn: "in",
    ast.Is: "is not",
    ast.IsNot: "is",
}
_ATOMS = (ast.Constant, ast.Name, ast.Attribute, ast.Call, ast.Subscript)
"""Expressions that need no brackets wherever a name stood."""


@lru_cache(maxsize=4)
def statement_sites(text: str) -> tuple[Site, ...]:
    """All of a file's sites of whole statements; none of a file that does not parse."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return ()
    reader = _Reader(text)
    return tuple(site for node in ast.walk(tree) for site in reader.sites(node))


class _Reader:
    """One file's text by the positions of its tree."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._offsets = Offsets(text)

    def sites(self, node: ast.AST) -> Iterator[Site]:
        """The sites at a node."""
        if isinstance(node, ast.If):
            yield from self._inverted(node)
        elif isinstance(node, ast.Try):
            yield from self._unguarded(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from self._inlined(node)

    def _start(self, node: ast.stmt | ast.expr) -> int:
        return self._offsets.at(node.lineno, node.col_offset)

    def _end(self, node: ast.stmt | ast.expr) -> int:
        return self._offsets.at(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def _source(self, node: ast.stmt | ast.expr) -> str:
        return self._text[self._start(node) : self._end(node)]

    def _lines(self, block: Sequence[ast.stmt]) -> str:
        """A block's statements with their indentation."""
        return self._text[line_of(self._text, self._start(block[0])).start : self._end(block[-1])]

    def _inverted(self, node: ast.If) -> Iterator[Site]:
        """An if and else with the opposite condition and the branches the other way round."""
        opposite = self._opposite(node.test)
        start, end = self._start(node), self._end(node)
        if opposite is None or not node.orelse or self._text.startswith("elif", start):
            return
        indent = " " * node.col_offset
        body, other = self._lines(node.body), self._lines(node.orelse)
        # Comments at the branches' heads and ends belong to one of them, and nothing says to which.
        if self._text[start:end] == f"if {self._source(node.test)}:\n{body}\n{indent}else:\n{other}":
            yield Site("invert", Span(start=start, end=end), f"if {opposite}:\n{other}\n{indent}else:\n{body}")

    def _opposite(self, test: ast.expr) -> str | None:
        """A condition's opposite as one would write it; None where that is not plain."""
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            return self._source(test.operand) if isinstance(test.operand, _ATOMS) else None
        if isinstance(test, ast.Compare) and len(test.ops) == 1:
            return f"{self._source(test.left)} {_OPPOSITES[type(test.ops[0])]} {self._source(test.comparators[0])}"
        return f"not {self._source(test)}" if isinstance(test, _ATOMS) else None

    def _unguarded(self, node: ast.Try) -> Iterator[Site]:
        """A statement whose errors are caught, without that."""
        if len(node.body) != 1 or len(node.handlers) != 1 or node.orelse or node.finalbody:
            return
        (statement,), (handler,) = node.body, node.handlers
        if handler.type is None or handler.name or len(handler.body) != 1 or statement.lineno != statement.end_lineno:
            return
        caught, answer = self._source(handler.type), self._source(handler.body[0])
        start, end = self._start(node), self._end(node)
        indent = " " * node.col_offset
        guarded = f"try:\n{self._lines(node.body)}\n{indent}except {caught}:\n{self._lines(handler.body)}"
        if self._text[start:end] == guarded and "\n" not in answer:
            yield Site("unguard", Span(start=start, end=end), self._source(statement), (caught, answer))

    def _inlined(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Site]:
        """A variable that the next statement alone uses, put in its place."""
        names = Counter(part.id for part in ast.walk(function) if isinstance(part, ast.Name))
        for block in (function.body, *(part.body for part in ast.walk(function) if isinstance(part, ast.If | ast.For))):
            for first, second in pairwise(block):
                if isinstance(first, ast.Assign) and isinstance(second, ast.Return | ast.Assign | ast.Expr):
                    yield from self._inlined_in(first, second, names)

    def _inlined_in(self, first: ast.Assign, second: ast.stmt, names: Counter[str]) -> Iterator[Site]:
        target, value = first.targets[0], first.value
        if len(first.targets) != 1 or not isinstance(target, ast.Name) or not isinstance(value, _ATOMS):
            return
        uses = [part for part in ast.walk(second) if isinstance(part, ast.Name) and part.id == target.id]
        between = self._text[self._end(first) : self._start(second)]
        lines = first.lineno == first.end_lineno and second.lineno == second.end_lineno
        # A name that is used within a comprehension or a lambda would be computed anew each time.
        deferred = any(isinstance(part, ast.comprehension | ast.Lambda | ast.JoinedStr) for part in ast.walk(second))
        once = len(uses) == 1 and names[target.id] == 2 and isinstance(uses[0].ctx, ast.Load)
        if not (once and lines) or deferred or not re.fullmatch(r"\n *", between):
            return
        start, end = self._start(first), self._end(second)
        used = self._start(uses[0])
        other = self._text[self._start(second) : used] + self._source(value) + self._text[self._end(uses[0]) : end]
        yield Site("inline", Span(start=start, end=end), other, (target.id, self._source(value)))
