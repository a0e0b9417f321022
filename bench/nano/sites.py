"""Places in Python source that can be written in another way with the same meaning, and how: found in its syntax tree.

Each is a span and another text for it. The other text with the span's own put back is a rewrite too, the other way.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

from bench.nano.example import replaced
from bench.nano.lines import line_of
from bench.nano.offsets import Offsets
from infill.request import Span

Manner: TypeAlias = Literal[
    "hints",
    "docstring",
    "format",
    "unformat",
    "early_return",
    "invert",
    "unguard",
    "inline",
    "argument",
    "constant",
]

# A call of str.format, or an f-string, on one line, of plain pieces: no nested quotes, braces or escapes.
_LITERAL = re.compile(r"""(?P<prefix>f?)(?P<quote>["'])(?P<body>[^"'\\\n]+)(?P=quote)""")
_FIELD = re.compile(r"\{(?P<name>[^{}!:]*)(?P<rest>(?:![rsa])?(?::[^{}]*)?)\}")
_SIMPLE = re.compile(r"[A-Za-z_][\w.]*(?:\(\)|\[\w+\])?")


@dataclass(frozen=True, slots=True)
class Site:
    """A span of a text and what can stand there instead: without type hints, without a docstring, an f-string in place
    of str.format or the other way round, without the else after an early return, and so on. words: what an instruction
    has to name for one to know the result."""

    manner: Manner
    span: Span
    other: str
    words: tuple[str, ...] = ()


@lru_cache(maxsize=4)
def sites(text: str) -> tuple[Site, ...]:
    """All of a file's sites; none of a file that does not parse."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return ()
    reader = _Reader(text)
    # A field's format is a node with its f-string's place, so that this may be found again.
    return tuple(dict.fromkeys(site for node in ast.walk(tree) for site in reader.sites(node)))


class _Reader:
    """One file's text by the positions of its tree."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._offsets = Offsets(text)

    def sites(self, node: ast.AST) -> Iterator[Site]:
        """The sites at a node."""
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from self._hints(node)
            yield from self._docstring(node)
        elif isinstance(node, ast.ClassDef):
            yield from self._docstring(node)
        elif isinstance(node, ast.Call):
            yield from self._format_call(node)
        elif isinstance(node, ast.JoinedStr):
            yield from self._format_string(node)
        elif isinstance(node, ast.If):
            yield from self._early_return(node)

    def _start(self, node: ast.stmt | ast.expr | ast.arg) -> int:
        return self._offsets.at(node.lineno, node.col_offset)

    def _end(self, node: ast.stmt | ast.expr | ast.arg) -> int:
        return self._offsets.at(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def _source(self, node: ast.expr) -> str:
        return self._text[self._start(node) : self._end(node)]

    def _hints(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Site]:
        """A function's header without its type hints."""
        parts = [part for part in ast.walk(node.args) if isinstance(part, ast.arg | ast.expr)]
        edits: list[tuple[Span, str]] = []
        for argument in parts:
            if isinstance(argument, ast.arg) and argument.annotation:
                end = self._end(argument)
                # A default's "=" has blanks around it only beside a hint.
                default = re.compile(r" = ").match(self._text, end)
                hint = Span(start=self._start(argument) + len(argument.arg), end=default.end() if default else end)
                edits.append((hint, "=" if default else ""))
        start = self._start(node)
        known = max([start, *map(self._end, parts)])
        if node.returns:
            arrow = re.compile(r"\s*->\s*$").search(self._text[start : self._start(node.returns)])
            if arrow is None:  # The hint stands in brackets.
                return
            known = self._end(node.returns)
            edits.append((Span(start=start + arrow.start(), end=known), ""))
        end = re.compile(r"[^#:]*:").match(self._text, known)
        if edits and end and end.end() <= self._start(node.body[0]):
            edits.sort()
            shorter = [Span(start=span.start - start, end=span.end - start) for span, _ in edits]
            header = self._text[start : end.end()]
            yield Site("hints", Span(start=start, end=end.end()), replaced(header, shorter, [o for _, o in edits])[0])

    def _docstring(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Iterator[Site]:
        """A docstring and the line after it, without the docstring."""
        if ast.get_docstring(node, clean=False) is None or len(node.body) < 2:
            return
        line = line_of(self._text, self._start(node.body[1]))
        start, following = self._start(node.body[0]), self._text[line.start : line.end].strip()
        if self._text[line.start : self._start(node.body[1])].isspace():  # Else it is decorated, or on the same line.
            yield Site(
                "docstring",
                Span(start=start, end=line.start + len(self._text[line.start : line.end].rstrip())),
                following,
            )

    def _format_call(self, node: ast.Call) -> Iterator[Site]:
        """A call of str.format as an f-string."""
        function = node.func
        if not (isinstance(function, ast.Attribute) and function.attr == "format"):
            return
        literal = _LITERAL.fullmatch(self._source(function.value))
        if literal is None or literal["prefix"]:
            return
        given = {str(i): self._source(argument) for i, argument in enumerate(node.args)}
        given |= {str(keyword.arg): self._source(keyword.value) for keyword in node.keywords}
        fields = list(_FIELD.finditer(literal["body"]))
        names = [field["name"] or str(i) for i, field in enumerate(fields)]
        told = fields and sorted(names) == sorted(given) and all(map(_SIMPLE.fullmatch, given.values()))
        if told and "{" not in _FIELD.sub("", literal["body"]):
            body = _filled(literal["body"], [given[name] for name in names])
            yield Site("format", self._span(node), f"f{literal['quote']}{body}{literal['quote']}")

    def _format_string(self, node: ast.JoinedStr) -> Iterator[Site]:
        """An f-string as a call of str.format."""
        literal = _LITERAL.fullmatch(self._source(node))
        if literal is None or not literal["prefix"]:
            return
        fields = [field["name"] for field in _FIELD.finditer(literal["body"])]
        if fields and all(map(_SIMPLE.fullmatch, fields)) and "{" not in _FIELD.sub("", literal["body"]):
            body = _filled(literal["body"], [""] * len(fields))
            quote = literal["quote"]
            yield Site("unformat", self._span(node), f"{quote}{body}{quote}.format({', '.join(fields)})")

    def _early_return(self, node: ast.If) -> Iterator[Site]:
        """An if that always leaves, without the else of what follows it."""
        start, leaves = self._start(node), isinstance(node.body[-1], ast.Return | ast.Raise | ast.Continue | ast.Break)
        if not (leaves and node.orelse) or self._text.startswith("elif", start):
            return
        body_end, end = self._end(node.body[-1]), self._end(node.orelse[-1])
        other = re.compile(r"\n( *)else:\n( +)").match(self._text, body_end)
        long_strings = (
            part
            for statement in node.orelse
            for part in ast.walk(statement)
            if isinstance(part, ast.Constant | ast.JoinedStr) and part.lineno != part.end_lineno
        )
        if other is None or len(other[1]) != node.col_offset or any(long_strings):
            return
        lines = self._text[other.start(2) : end].split("\n")
        if all(line.startswith(other[2]) or not line.strip() for line in lines):
            dedented = [other[1] + line[len(other[2]) :] if line.strip() else line for line in lines]
            yield Site("early_return", Span(start=start, end=end), "\n".join([self._text[start:body_end], *dedented]))

    def _span(self, node: ast.expr) -> Span:
        return Span(start=self._start(node), end=self._end(node))


def _filled(body: str, names: list[str]) -> str:
    """A format string with these names in its fields."""
    following = iter(names)
    return _FIELD.sub(lambda field: f"{{{next(following)}{field['rest']}}}", body)
