"""Functions of a Python file that can be given one more argument, which each of their calls then has to pass."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from bench.edits.follow.group import Group, Slot, worth_following
from bench.edits.follow.names import named_functions
from bench.edits.follow.source import Function, Source
from infill.request import Span

# The default in the definition, and what the calls pass.
_VALUES = (("False", "True"), ("None", "[]"), ("0", "1"), ("True", "False"), ("1.0", "0.5"))


def arguments(source: Source) -> Iterator[Group]:
    """An argument added to a definition and to the first call of a function, both on one line each."""
    for function, spans in named_functions(source):
        default, value = _VALUES[len(function.name) % len(_VALUES)]
        header = _header(source, function, default)
        places = [_end(source, call, value) for call in _calls(source, function.name)]
        slots = sorted((slot for slot in places if slot is not None), key=lambda slot: slot.span)
        complete = header is not None and len(slots) == len(places) == len(spans) - 1
        if header is not None and complete and worth_following(source.text, [slot.span for slot in slots], 1):
            yield Group("argument", "", (header, slots[0]), tuple(slots[1:]))


def _calls(source: Source, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and name in (getattr(node.func, "id", ""), getattr(node.func, "attr", "")):
            yield node


def _header(source: Source, function: Function, default: str) -> Slot | None:
    """Where a definition takes an argument more; None where not plainly at its end."""
    own = function.args
    if own.vararg or own.kwarg or own.kwonlyargs or own.posonlyargs:
        return None
    parts = [*own.args, *own.defaults, *(argument.annotation for argument in own.args if argument.annotation)]
    opening = source.text.index("(", source.span(function).start) + 1
    end = max((source.span(part).end for part in parts), default=opening)
    if source.text[end : end + 1] != ")":
        return None
    return Slot(Span(start=end, end=end), ", " if parts else "", f"={default}")


def _end(source: Source, call: ast.Call, value: str) -> Slot | None:
    """Where a call on one line passes an argument more."""
    span = source.span(call)
    end = span.end - 1
    lone_generator = len(call.args) == 1 and isinstance(call.args[0], ast.GeneratorExp)
    if call.lineno != call.end_lineno or lone_generator or source.text[end - 1] in ", ":
        return None
    return Slot(Span(start=end, end=end), ", " if call.args or call.keywords else "", f"={value}")
