"""One Python file with its syntax tree and the words in it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cached_property

from bench.nano.heldout import prose_spans
from bench.nano.identifiers import Kind, identifiers, words_in
from bench.nano.offsets import Offsets
from infill.request import Span

Function = ast.FunctionDef | ast.AsyncFunctionDef
Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Source:
    """A file that parses."""

    def __init__(self, text: str) -> None:
        """Raises: SyntaxError: it does not parse."""
        self.text = text
        self.tree = ast.parse(text)
        self._offsets = Offsets(text)

    def span(self, node: ast.stmt | ast.expr | ast.arg | ast.keyword) -> Span:
        """Where a node stands, its decorators left out."""
        end = self._offsets.at(node.end_lineno or node.lineno, node.end_col_offset or 0)
        return Span(start=self._offsets.at(node.lineno, node.col_offset), end=end)

    def of(self, node: ast.stmt | ast.expr | ast.arg | ast.keyword) -> str:
        """A node's source."""
        span = self.span(node)
        return self.text[span.start : span.end]

    @property
    def whole(self) -> Span:
        return Span(start=0, end=len(self.text))

    @cached_property
    def classes(self) -> list[ast.ClassDef]:
        return [node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef)]

    @cached_property
    def functions(self) -> list[Function]:
        return [node for node in ast.walk(self.tree) if isinstance(node, Function)]

    def function_at(self, span: Span) -> Function | None:
        """The innermost function that a place lies in."""
        holding = [node for node in self.functions if self.span(node).start <= span.start < self.span(node).end]
        return max(holding, key=lambda node: self.span(node).start, default=None)

    def identified(self, name: str, within: Span, *kinds: Kind) -> list[Span]:
        """Where a name stands as an identifier of these kinds."""
        starts = self._starts.get(name, {})
        found = sorted(start for start, kind in starts.items() if kind in kinds and within.start <= start < within.end)
        return [Span(start=start, end=start + len(name)) for start in found]

    def words(self, name: str, within: Span) -> Iterator[Span]:
        """Where a word stands, whatever it is there."""
        return words_in(self.text, within, name)

    def is_mentioned(self, name: str, within: Span) -> bool:
        """Whether comments, docstrings or other strings of several lines have the word."""
        return any(self.in_prose(word) for word in self.words(name, within))

    def in_prose(self, span: Span) -> bool:
        """Whether a place lies in a comment or a docstring."""
        return any(prose.start <= span.start < prose.end for prose in self._prose)

    @cached_property
    def _starts(self) -> dict[str, dict[int, Kind]]:
        starts: dict[str, dict[int, Kind]] = {}
        for identifier in identifiers(self.text, "python"):
            starts.setdefault(identifier.name, {})[identifier.start] = identifier.kind
        return starts

    @cached_property
    def _prose(self) -> list[Span]:
        docstrings = [
            self.span(node.body[0])
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Module | Scope) and ast.get_docstring(node, clean=False) is not None
        ]
        return [*prose_spans(self.text), *docstrings]
