"""Names in a source text: where one is used, what it is there, and in which scope it is defined.

By the syntax tree, for every language that has a grammar, from the names of its nodes and fields alone. Of a language
without one only the spelling is known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, TypeAlias

from tree_sitter import Node

from infill.request import Span
from infill.syntax.parser import parsed, span_of, upwards

Role: TypeAlias = Literal["variable", "member", "keyword"]
"""What a name is in a place: a variable, function or class; a member of something; the name of an argument."""

_FUNCTION = re.compile(
    r"lambda|lambda_expression|arrow_function|func_literal|closure_expression|function_expression"
    r"|(generator_|anonymous_|local_)?(function|method|constructor)\w*_(definition|declaration|item|expression)"
)
_CLASS = re.compile(
    r"(class|interface|struct|enum|trait|impl|record)_(definition|declaration|item|specifier)|type_spec"
)
# A shorthand is both a member's name and a variable's: neither can be renamed in it alone.
_IDENTIFIER = re.compile(r"(?!shorthand_)\w*identifier\w*|name|variable_name|word")
_MEMBER_NODES = frozenset({"property_identifier", "field_identifier"})
_ARGUMENTS = re.compile(r"\w*arguments|\w*argument_list")
_MEMBER_FIELDS = frozenset({"attribute", "property", "field"})
_ARGUMENT_NODES = frozenset({"keyword_argument", "named_argument"})
# Fields that hold what a node defines, the nodes that define something in them, and nodes between these and a name.
_DEFINING_FIELDS = frozenset({"name", "left", "pattern", "declarator", "alias", "parameter"})
_DEFINING = re.compile(
    r"(?!augmented_)\w*(definition|declaration|declarator|assignment|assignment_expression|item|specifier|spec|alias|aliased_import"
    r"|for_statement|for_in_statement|for_in_clause|as_pattern|named_expression|signature|clause|enum_assignment|variant)"
)
_PARAMETER = re.compile(r"\w*parameters?|\w*parameter_declaration")
_PATTERN = re.compile(r"\w*(pattern\w*|expression_list|identifier_list|tuple|list|pointer_declarator|splat)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call of a function by its name. arguments: what stands between its brackets, in code points."""

    callee: str
    arguments: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A name in a place. defines: whether it is defined there. scope: the innermost function around it that defines a
    variable of this name; None where none does. owner: the innermost class around it. callee: the function whose
    argument or parameter it names, or the class whose field; empty where it names none."""

    span: Span
    role: Role
    defines: bool
    scope: Span | None = None
    owner: Span | None = None
    callee: str = ""


class Names:
    """The names of a text."""

    def __init__(self, text: str, language: str) -> None:
        self.text = text
        self._language = language

    def uses(self, name: str) -> list[Use]:
        """Where a name is used, in order; in comments and strings it is not."""
        spelled = re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", self.text)
        spans = [Span(start=match.start(), end=match.end()) for match in spelled]
        if not spans or self._root is None:  # Most texts lack the name, and parsing is most of the work.
            return [Use(span=span, role="variable", defines=False) for span in spans]
        found = [own for span in spans if (own := self._use(span)) is not None]
        scopes = {functions[0] for use, functions in found if use.defines and use.role == "variable" and functions}
        return [
            replace(use, scope=next((function for function in functions if function in scopes), None))
            for use, functions in found
        ]

    def calls(self, name: str) -> list[Call]:
        """Calls of a function of this name, in order."""
        nodes = (self._node(use.span) for use in self.uses(name) if not use.defines)
        return [call for node in nodes if (call := self._call(_arguments_of(node))) is not None]

    def call_around(self, offset: int) -> Call | None:
        """The innermost call whose arguments a place is among."""
        around = upwards(self._node(Span(start=offset, end=offset)))
        return self._call(next((node for node in around if _ARGUMENTS.fullmatch(node.type)), None))

    def string_at(self, span: Span) -> bool:
        """Whether a string stands there that is no docstring; of a language without a grammar that is taken for
        granted."""
        if self._root is None:
            return True
        node = self._node(span)
        if node is None or "string" not in node.type:
            return False
        return node.parent is None or node.parent.type not in ("expression_statement", "module")

    @cached_property
    def _root(self) -> Node | None:
        return parsed(self.text, self._language)

    def _node(self, span: Span) -> Node | None:
        """The smallest node that holds a span."""
        return self._root and self._root.descendant_for_byte_range(span.start, span.end)

    def _text(self, node: Node | None) -> str:
        return "" if node is None else self.text[node.start_byte : node.end_byte]

    def _use(self, span: Span) -> tuple[Use, list[Span]] | None:
        """The use of a name, its scope left open, and the functions around it, from the inside."""
        node = self._node(span)
        if node is None or not _IDENTIFIER.fullmatch(node.type) or span_of(node) != span:
            return None
        role, definition = _role(node), _definition(node)
        defines = definition is not None
        is_parameter = definition is not None and bool(_PARAMETER.fullmatch(definition.type))
        callee = self._callee(node) if role == "keyword" or is_parameter else ""
        functions: list[Span] = []
        owner: Span | None = None
        inner = node
        for above in upwards(node.parent):
            # What a function or class is called is known around it.
            if not (defines and above.child_by_field_name("name") == inner):
                if _FUNCTION.fullmatch(above.type):
                    functions.append(span_of(above))
                if _CLASS.fullmatch(above.type) and owner is None:
                    owner = span_of(above)
                    if defines and role != "keyword" and not functions:
                        role, callee = "member", self._text(above.child_by_field_name("name"))
            inner = above
        return Use(span=span, role=role, defines=defines, owner=owner, callee=callee), functions

    def _call(self, arguments: Node | None) -> Call | None:
        if arguments is None or arguments.child_count < 2 or arguments.has_error:
            return None
        inner = Span(start=arguments.start_byte + 1, end=arguments.end_byte - 1)
        return Call(callee=self._callee(arguments.children[0]), arguments=inner)

    def _callee(self, node: Node) -> str:
        """The name of the function that a list of arguments or parameters belongs to which a node stands in."""
        literal = _literal_of(node)
        if literal is not None:
            return self._text(literal.child_by_field_name("type"))
        lists = (
            own for own in upwards(node.parent) if _ARGUMENTS.fullmatch(own.type) or _PARAMETER.fullmatch(own.type)
        )
        above = next(lists, None)
        # A single parameter may be a node of its own within the list.
        while above is not None and above.parent is not None and _PARAMETER.fullmatch(above.parent.type):
            above = above.parent
        if above is None or above.parent is None:
            return ""
        called = above.parent.child_by_field_name("function") or above.parent.child_by_field_name("name")
        words = re.findall(r"\w+", self._text(called))
        return words[-1] if words else ""


def _role(node: Node) -> Role:
    parent, previous = node.parent, node.prev_sibling
    if parent is None:
        return "variable"
    if parent.type in _ARGUMENT_NODES and parent.child_by_field_name("name") == node:
        return "keyword"
    if _literal_of(node) is not None:
        return "keyword"
    if parent.type == "dotted_name" and previous is not None:
        return "member"
    if parent.type == "token_tree" and previous is not None and previous.type == ".":
        return "member"  # What a macro of Rust is called with has no other structure.
    return "member" if node.type in _MEMBER_NODES or _field(node) in _MEMBER_FIELDS else "variable"


def _definition(node: Node) -> Node | None:
    """What a name is defined by where it stands: a pattern, a list of parameters, or a definition that it is a field
    of."""
    inner, above = node, node.parent
    if above is not None and _field(node) in _MEMBER_FIELDS:
        inner, above = above, above.parent
    while above is not None and above.type not in _ARGUMENT_NODES:
        field = _field(inner)
        if _PARAMETER.fullmatch(above.type):
            return None if field in ("value", "type", "default") else above
        if (field in _DEFINING_FIELDS and _DEFINING.fullmatch(above.type)) or (above.type == "pair" and field == "key"):
            return above
        if not (_PATTERN.fullmatch(above.type) or field in _DEFINING_FIELDS):
            return None
        inner, above = above, above.parent
    return None


def _arguments_of(node: Node | None) -> Node | None:
    """The arguments that a function is called with whose name a node is, or the last part of it."""
    if node is not None and node.parent is not None and _field(node) in _MEMBER_FIELDS:
        node = node.parent
    call = node.parent if node is not None and _field(node) in ("function", "name") else None
    found = call.child_by_field_name("arguments") if call is not None else None
    return found if found is not None and _ARGUMENTS.fullmatch(found.type) else None


def _literal_of(node: Node) -> Node | None:
    """The literal of a struct, in Go, whose field a node names."""
    element = node.parent.parent if node.parent is not None else None
    if element is None or element.type != "keyed_element" or element.children[0] != node.parent:
        return None
    return element.parent.parent if element.parent is not None else None


def _field(node: Node) -> str | None:
    """The field of its parent that a node is in."""
    parent = node.parent
    if parent is None:
        return None
    return next((parent.field_name_for_child(i) for i, own in enumerate(parent.children) if own == node), None)
