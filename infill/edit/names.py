"""Names in a source text: where one is used, what it is there, and in which scope it is defined.

By the syntax tree, for every language that has a grammar, from the names of its nodes and fields alone. Of a language
without one only the spelling is known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

from tree_sitter import Node

from infill.request import Span
from infill.syntax.parser import parsed

Role: TypeAlias = Literal["variable", "member", "keyword"]
"""What a name is in a place: a variable, function or class; a member of something; the name of an argument."""

_FUNCTION = re.compile(
    r"lambda|lambda_expression|arrow_function|func_literal|closure_expression|function_expression"
    r"|(generator_|anonymous_|local_)?(function|method|constructor)\w*_(definition|declaration|item|expression)"
)
_CLASS = re.compile(
    r"(class|interface|struct|enum|trait|impl|record)_(definition|declaration|item|specifier)|type_spec"
)
_IDENTIFIER = re.compile(r"\w*identifier\w*|name|variable_name|word|identifier_reference")
_MEMBER_NODES = frozenset({"property_identifier", "field_identifier"})
# One word that is both a member's name and a variable's: neither can be renamed in it alone.
_SHORTHAND = re.compile(r"shorthand_\w+")
_ARGUMENTS = re.compile(r"\w*arguments|\w*argument_list")
_MEMBER_FIELDS = frozenset({"attribute", "property", "field"})
_ARGUMENT_NODES = frozenset({"keyword_argument", "named_argument"})
# Fields that hold what a node defines, the nodes that define something in them, and nodes between these and a name.
_DEFINING_FIELDS = frozenset({"name", "left", "pattern", "declarator", "alias", "parameter"})
_DEFINING = re.compile(
    r"(?!augmented_)\w*(definition|declaration|declarator|assignment|assignment_expression|item|specifier|spec|alias|aliased_import"
    r"|for_statement|for_in_statement|for_in_clause|as_pattern|named_expression|signature|clause|enum_assignment|variant)"
)
_PARAMETER = re.compile(r"\w*parameters?|\w*parameter_declaration|closure_parameters|lambda_parameters")
_PATTERN = re.compile(r"\w*(pattern\w*|expression_list|identifier_list|tuple|list|pointer_declarator|splat)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call of a function by its name. arguments: what stands between its brackets, in code points."""

    callee: str
    arguments: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A name in a place. defines: whether it is defined there. functions: spans of the functions around it, or around
    what it defines, from the inside. owner: span of the innermost class around it. callee: the function whose argument
    or parameter it names, or the class whose field; empty where it names none."""

    span: Span
    role: Role
    defines: bool
    functions: tuple[Span, ...] = ()
    owner: Span | None = None
    callee: str = ""


class Names:
    """The names of a text."""

    def __init__(self, text: str, language: str) -> None:
        self._text = text
        self._language = language

    def uses(self, name: str) -> list[Use]:
        """Where a name is used, in order; in comments and strings it is not."""
        spelled = re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", self._text)
        spans = [Span(start=match.start(), end=match.end()) for match in spelled]
        if self._root is None:
            return [Use(span=span, role="variable", defines=False) for span in spans]
        return [use for span in spans if (use := self._use(span)) is not None]

    def calls(self, name: str) -> list[Call]:
        """Calls of a function of this name, in order."""
        nodes = (self._node(use.span) for use in self.uses(name) if not use.defines)
        return [call for node in nodes if (call := self._call(_arguments_of(node))) is not None]

    def call_around(self, offset: int) -> Call | None:
        """The innermost call whose arguments a place is among."""
        node = self._node(Span(start=offset, end=offset))
        while node is not None and not _ARGUMENTS.fullmatch(node.type):
            node = node.parent
        return self._call(node)

    def string_at(self, span: Span) -> bool:
        """Whether a string stands there; of a language without a grammar that is taken for granted."""
        if self._root is None:
            return True
        node = self._node(span)
        while node is not None and node.end_byte - node.start_byte < len(self._text[span.start : span.end].encode()):
            node = node.parent
        return node is not None and "string" in node.type and not _is_statement(node)

    @cached_property
    def _root(self) -> Node | None:
        return parsed(self._text, self._language)

    @cached_property
    def _is_ascii(self) -> bool:
        return self._text.isascii()

    def _use(self, span: Span) -> Use | None:
        node = self._node(span)
        if node is None or not _IDENTIFIER.fullmatch(node.type) or _SHORTHAND.fullmatch(node.type):
            return None
        if self._span(node) != span:
            return None
        role, defines = _role(node), _defines(node)
        callee = _callee(node) if role == "keyword" or defines else ""
        functions: list[Span] = []
        owner: Span | None = None
        inner, above = node, node.parent
        while above is not None:
            # What a function or class is called is known around it.
            if not (defines and above.child_by_field_name("name") == inner):
                if _FUNCTION.fullmatch(above.type):
                    functions.append(self._span(above))
                if _CLASS.fullmatch(above.type) and owner is None:
                    owner = self._span(above)
                    if defines and role != "keyword" and not functions:
                        role, callee = "member", _text(above.child_by_field_name("name"))
            inner, above = above, above.parent
        return Use(span=span, role=role, defines=defines, functions=tuple(functions), owner=owner, callee=callee)

    def _call(self, arguments: Node | None) -> Call | None:
        if arguments is None or arguments.child_count < 2 or arguments.has_error:
            return None
        span = self._span(arguments)
        inner = Span(start=span.start + 1, end=span.end - 1)
        return Call(callee=_callee(arguments.children[0]), arguments=inner)

    def _node(self, span: Span) -> Node | None:
        return self._root and self._root.descendant_for_byte_range(self._byte(span.start), self._byte(span.end))

    def _byte(self, offset: int) -> int:
        return offset if self._is_ascii else len(self._text[:offset].encode("utf-8", "replace"))

    def _span(self, node: Node) -> Span:
        if self._is_ascii:
            return Span(start=node.start_byte, end=node.end_byte)
        source = self._source
        start = len(source[: node.start_byte].decode())
        return Span(start=start, end=start + len(source[node.start_byte : node.end_byte].decode()))

    @cached_property
    def _source(self) -> bytes:
        return self._text.encode("utf-8", "replace")


def _role(node: Node) -> Role:
    parent = node.parent
    if parent is None:
        return "variable"
    if parent.type in _ARGUMENT_NODES and parent.child_by_field_name("name") == node:
        return "keyword"
    if _literal_of(node) is not None:
        return "keyword"
    if parent.type == "dotted_name" and parent.children[0] != node:
        return "member"
    if parent.type == "token_tree" and node.prev_sibling is not None and node.prev_sibling.type == ".":
        return "member"  # What a macro of Rust is called with has no other structure.
    return "member" if node.type in _MEMBER_NODES or _field(node) in _MEMBER_FIELDS else "variable"


def _defines(node: Node) -> bool:
    """Whether a name is defined where it stands: in a pattern, a list of parameters, or a field of a definition."""
    inner, above = node, node.parent
    if above is not None and _field(node) in _MEMBER_FIELDS:
        inner, above = above, above.parent
    while above is not None:
        if above.type in _ARGUMENT_NODES:
            return False
        field = _field(inner)
        if _PARAMETER.fullmatch(above.type):
            return field not in ("value", "type", "default")
        if field in _DEFINING_FIELDS and _DEFINING.fullmatch(above.type):
            return True
        if above.type == "pair" and field == "key":
            return True
        if not (_PATTERN.fullmatch(above.type) or field in _DEFINING_FIELDS):
            return False
        inner, above = above, above.parent
    return False


def _arguments_of(node: Node | None) -> Node | None:
    """The arguments that a function is called with whose name a node is, or the last part of it."""
    if node is not None and node.parent is not None and _field(node) in _MEMBER_FIELDS:
        node = node.parent
    call = node.parent if node is not None and _field(node) in ("function", "name") else None
    found = call.child_by_field_name("arguments") if call is not None else None
    return found if found is not None and _ARGUMENTS.fullmatch(found.type) else None


def _callee(node: Node) -> str:
    """The name of the function that a list of arguments or parameters belongs to which a node stands in."""
    literal = _literal_of(node)
    if literal is not None:
        return _text(literal.child_by_field_name("type"))
    above = node.parent
    while above is not None and not (_ARGUMENTS.fullmatch(above.type) or _PARAMETER.fullmatch(above.type)):
        above = above.parent
    # A single parameter may be a node of its own within the list.
    while above is not None and above.parent is not None and _PARAMETER.fullmatch(above.parent.type):
        above = above.parent
    if above is None or above.parent is None:
        return ""
    called = above.parent.child_by_field_name("function") or above.parent.child_by_field_name("name")
    words = re.findall(r"\w+", _text(called))
    return words[-1] if words else ""


def _literal_of(node: Node) -> Node | None:
    """The literal of a struct, in Go, whose field a node names."""
    element = node.parent.parent if node.parent is not None else None
    if element is None or element.type != "keyed_element" or element.children[0] != node.parent:
        return None
    return element.parent.parent if element.parent is not None else None


def _text(node: Node | None) -> str:
    return ((node and node.text) or b"").decode("utf-8", "replace")


def _field(node: Node) -> str | None:
    """The field of its parent that a node is in."""
    parent = node.parent
    if parent is None:
        return None
    return next((parent.field_name_for_child(i) for i, own in enumerate(parent.children) if own == node), None)


def _is_statement(node: Node) -> bool:
    """Whether a string is a statement of its own: a docstring."""
    return node.parent is not None and node.parent.type in ("expression_statement", "module")
