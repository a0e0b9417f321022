"""Changes in a Python file that look like the first of several and are whole: silence is right after them, too."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Literal, TypeAlias

from bench.edits.follow.case import EditCase, Replacement
from bench.edits.follow.group import Group
from bench.edits.follow.source import Source
from infill.request import Span

TemptingKind: TypeAlias = Literal["followed", "use", "value", "operator"]
Change: TypeAlias = tuple[TemptingKind, Replacement]
"""Its kind and what is typed."""
_OTHERS = {"True": "False", "False": "True", "None": "False"}
_OPERATORS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "is": "is not", "in": "not in"}


def followed(source: Source, variables: Sequence[Group]) -> Iterator[Group]:
    """Those variables whose name other functions have, too."""
    for group in variables:
        own = {slot.span for slot in (*group.changed, *group.following)}
        if not own.issuperset(source.identified(group.old, source.whole, "plain")):
            yield group


def followed_case(group: Group, word: str, *, name: str, path: str, text: str) -> EditCase:
    """The case in which a name has been changed wherever it is the same."""
    case = group.case(word, name=name, path=path, text=text)
    # From the last place to the first one, so that each stands where it stood when the case was made.
    typed = (*case.typed, *reversed(case.places))
    return EditCase(name=name, kind="followed", path=path, text=text, typed=typed)


def changes(source: Source, variables: Sequence[Group]) -> Iterator[Change]:
    """Every change of one place, as its kind and what is typed."""
    yield from _uses(source, variables)
    yield from _values(source)
    yield from _operators(source)


def _uses(source: Source, variables: Sequence[Group]) -> Iterator[Change]:
    """A variable in place of another one of its function, whose other uses stay."""
    for group, other in pairwise(variables):
        span, place = group.changed[0].span, other.following[-1].span
        function = source.function_at(span)
        if function is not None and function is source.function_at(place) and group.old != other.old:
            yield "use", Replacement(span=place, text=group.old)


def _values(source: Source) -> Iterator[Change]:
    """Another value of an argument in one of several calls that pass the same."""
    passed: dict[tuple[str, str, str], list[ast.keyword]] = {}
    for call in ast.walk(source.tree):
        for keyword in call.keywords if isinstance(call, ast.Call) else ():
            function = source.of(call.func) if isinstance(call, ast.Call) else ""
            passed.setdefault((function, keyword.arg or "", source.of(keyword.value)), []).append(keyword)
    for (_, _, value), keywords in passed.items():
        if len(keywords) > 1 and value in _OTHERS:
            yield "value", Replacement(span=source.span(keywords[0].value), text=_OTHERS[value])


def _operators(source: Source) -> Iterator[Change]:
    """Another comparison."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            start, end = source.span(node.left).end, source.span(node.comparators[0]).start
            written = source.text[start:end]
            if written.strip() in _OPERATORS and written == f" {written.strip()} ":
                at = Span(start=start + 1, end=end - 1)
                yield "operator", Replacement(span=at, text=_OPERATORS[written.strip()])


def case_of(change: Change, *, name: str, path: str, text: str) -> EditCase:
    """The case of a change of one place."""
    kind, typed = change
    return EditCase(name=name, kind=kind, path=path, text=text, typed=(typed,))
