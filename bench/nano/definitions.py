"""Definitions in Python source that could do without one of their names: an argument that a function only passes on,
and a constant that the definition after it alone uses. Found, like the other sites, in the syntax tree."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from bench.nano.example import replaced
from bench.nano.offsets import Offsets
from bench.nano.sites import Site
from infill.request import Span

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_SELF = ("self", "cls")
_STATEMENTS = 4
"""Behind a constant, one of which uses it."""


@lru_cache(maxsize=4)
def definition_sites(text: str) -> tuple[Site, ...]:
    """All of a file's sites of definitions; none of a file that does not parse."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return ()
    reader = _Reader(text)
    functions = (node for node in ast.walk(tree) if isinstance(node, _Function))
    passed_on = (site for function in functions for site in reader.passed_on(function))
    names = Counter(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
    scopes = (node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef))
    return (*passed_on, *(site for scope in scopes for site in reader.constants(scope, names)))


class _Reader:
    """One file's text by the positions of its tree."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._offsets = Offsets(text)

    def passed_on(self, function: _Function) -> Iterator[Site]:
        """A function without its last argument, which one call alone takes as its own last one."""
        own = function.args
        if own.vararg or own.kwarg or own.kwonlyargs or len(own.args) < 2:
            return
        last = own.args[-1]
        uses = [node for node in ast.walk(function) if isinstance(node, ast.Name) and node.id == last.arg]
        calls = [node for node in ast.walk(function) if isinstance(node, ast.Call) and _passes(node, last.arg)]
        if last.arg in _SELF or len(uses) != 1 or len(calls) != 1:
            return
        before = self._end(own.defaults[-2] if own.defaults[:-1] else own.args[-2])
        parameter = Span(start=before, end=self._end(own.defaults[-1] if own.defaults else last))
        argument = self._argument(calls[0])
        if argument is None or "#" in self._text[parameter.start : parameter.end]:
            return
        span = Span(start=self._start(function), end=self._end(function))
        cuts = [Span(start=cut.start - span.start, end=cut.end - span.start) for cut in (parameter, argument)]
        other = replaced(self._text[span.start : span.end], cuts, ["", ""])[0]
        declared = self._text[parameter.start : parameter.end].lstrip(", \n")
        yield Site("argument", span, other, (declared, last.arg, ast.unparse(calls[0].func)))

    def constants(self, scope: ast.Module | ast.ClassDef, names: Counter[str]) -> Iterator[Site]:
        """A constant put where a statement soon after it uses it. names: how often each stands in the file."""
        for number, first in enumerate(scope.body[:-1]):
            if not (isinstance(first, ast.Assign) and isinstance(first.value, ast.Constant)):
                continue
            target, value = first.targets[0], first.value
            is_switch = value.value is None or isinstance(value.value, bool)
            if not isinstance(target, ast.Name) or not target.id.isupper() or names[target.id] != 2 or is_switch:
                continue
            for second in scope.body[number + 1 : number + 1 + _STATEMENTS]:
                uses = [node for node in ast.walk(second) if isinstance(node, ast.Name) and node.id == target.id]
                in_string = any(isinstance(node, ast.JoinedStr) for node in ast.walk(second))
                if len(uses) == 1 and isinstance(uses[0].ctx, ast.Load) and not in_string:
                    yield from self._inlined(first, value, scope.body[number + 1], uses[0], second)

    def _inlined(
        self, first: ast.Assign, value: ast.Constant, following: ast.stmt, use: ast.Name, last: ast.stmt
    ) -> Iterator[Site]:
        source = self._text[self._start(value) : self._end(value)]
        between = self._text[self._end(first) : self._start(following)]
        if "\n" in source or between.strip():
            return
        span = Span(start=self._start(first), end=self._end(last))
        other = self._text[self._start(following) : self._start(use)] + source + self._text[self._end(use) : span.end]
        yield Site("constant", span, other, (use.id, source))

    def _argument(self, call: ast.Call) -> Span | None:
        """The last argument of a call with the comma before it; None where it is the only one."""
        arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
        if len(arguments) < 2:
            return None
        end = self._end(arguments[-1])
        start = self._end(arguments[-2])
        return Span(start=start, end=end) if re.fullmatch(r",\s*(\w+=)?\w+", self._text[start:end]) else None

    def _start(self, node: ast.stmt | ast.expr) -> int:
        return self._offsets.at(node.lineno, node.col_offset)

    def _end(self, node: ast.stmt | ast.expr | ast.arg) -> int:
        return self._offsets.at(node.end_lineno or node.lineno, node.end_col_offset or 0)


def _passes(call: ast.Call, name: str) -> bool:
    """Whether a call's last argument is a variable of this name."""
    arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
    last = arguments[-1] if arguments else None
    return isinstance(last, ast.Name) and last.id == name
