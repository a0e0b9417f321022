"""Which names stand where in a source file, by its syntax tree."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import import_module
from typing import Literal, TypeAlias

from tree_sitter import Language, Parser, Query, QueryCursor

from bench.nano.offsets import Offsets
from infill.request import Span

Kind: TypeAlias = Literal["plain", "member", "fixed"]

_PYTHON = """
(identifier) @plain
(attribute attribute: (identifier) @member)
(keyword_argument name: (identifier) @fixed)
(dotted_name (identifier) @fixed)
"""
_JAVASCRIPT = """
(identifier) @plain
(property_identifier) @member
(shorthand_property_identifier) @fixed
(import_specifier (identifier) @fixed)
"""
_GRAMMARS = {
    "python": ("tree_sitter_python", "language", _PYTHON),
    "javascript": ("tree_sitter_javascript", "language", _JAVASCRIPT),
    "typescript": ("tree_sitter_typescript", "language_typescript", _JAVASCRIPT),
}
# The later ones are narrower.
_KINDS: tuple[Kind, ...] = ("plain", "member", "fixed")
# Names that mean what they mean whoever writes the code.
_RESERVED = frozenset(
    {*dir(builtins), *keyword.kwlist, *keyword.softkwlist, "self", "cls", "args", "kwargs", "constructor", "exports"}
    | {"module", "require", "console", "undefined", "Object", "Array", "Promise", "Error", "Map", "Set", "JSON", "Math"}
)
_WORD = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, slots=True)
class Identifier:
    """A name at a code point. kind: a variable, function or class; an attribute; or one that another file decides."""

    name: str
    start: int
    kind: Kind


@lru_cache(maxsize=4)
def identifiers(text: str, language: str) -> tuple[Identifier, ...]:
    """All identifiers of a file in order; none of a language without a grammar here."""
    if language not in _GRAMMARS:
        return ()
    parser, query = _parser(language)
    captures = QueryCursor(query).captures(parser.parse(text.encode()).root_node)
    offsets = Offsets(text)
    found: dict[int, Identifier] = {}
    for kind in _KINDS:
        for node in captures.get(kind, ()):
            start, end = offsets.at_byte(node.start_byte), offsets.at_byte(node.end_byte)
            found[start] = Identifier(text[start:end], start, kind)
    return tuple(found[start] for start in sorted(found))


@lru_cache(maxsize=4)
def chosen_names(text: str, language: str) -> tuple[Identifier, ...]:
    """Those identifiers of a file whose names are the author's own choice."""
    return tuple(
        identifier
        for identifier in identifiers(text, language)
        if identifier.kind != "fixed"
        and identifier.name not in _RESERVED
        and not identifier.name.startswith("__")
        and _WORD.fullmatch(identifier.name)
    )


def occurrences(text: str, region: Span, identifier: Identifier, language: str) -> tuple[Span, ...]:
    """Where an identifier's name stands in a region; empty where a word there is spelled so without being it: in a
    string, say."""
    starts = _starts(text, language)[identifier.name, identifier.kind]
    words = tuple(words_in(text, region, identifier.name))
    return words if all(word.start in starts for word in words) else ()


@lru_cache(maxsize=4)
def _starts(text: str, language: str) -> dict[tuple[str, Kind], set[int]]:
    """Where each name of each kind begins."""
    starts: dict[tuple[str, Kind], set[int]] = {}
    for identifier in identifiers(text, language):
        starts.setdefault((identifier.name, identifier.kind), set()).add(identifier.start)
    return starts


def words_in(text: str, region: Span, name: str) -> Iterator[Span]:
    """Where a word stands in a region, whatever it is there."""
    for match in re.compile(rf"(?<!\w){re.escape(name)}(?!\w)").finditer(text, region.start, region.end):
        yield Span(start=match.start(), end=match.end())


@cache
def _parser(language: str) -> tuple[Parser, Query]:
    module, function, query = _GRAMMARS[language]
    grammar = Language(getattr(import_module(module), function)())
    return Parser(grammar), Query(grammar, query)
