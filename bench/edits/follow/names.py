"""Names of a Python file that can be renamed, each with every place where it is the same name, by Python's scoping."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from bench.edits.follow.group import FollowKind, Group, Slot, worth_following
from bench.edits.follow.source import Function, Scope, Source
from infill.request import Span

_LEAST_LETTERS = 2
_RECEIVERS = ("self", "cls")
_Binder = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef | ast.comprehension


def variables(source: Source) -> Iterator[Group]:
    """Locals and parameters of functions, except those that their comments or docstrings name."""
    for function in source.functions:
        span = source.span(function)
        parameters = {argument.arg for argument in _arguments(function.args)}
        stored = {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and _is_stored(node)}
        for name in sorted((parameters | stored) - {*_RECEIVERS}):
            spans = source.identified(name, span, "plain")
            count = sum(_is_named(node, name) for node in ast.walk(function))
            whole = len(spans) == count and _is_one_variable(function, name, is_parameter=name in parameters)
            if whole and not source.is_mentioned(name, span) and not _is_passed(source, function.name, name):
                yield from _renamed(source, "parameter" if name in parameters else "local", name, spans)


def functions(source: Source) -> Iterator[Group]:
    """Functions and methods that are called in their own file, where the name means nothing else anywhere in it."""
    for function, spans in named_functions(source):
        start = source.span(function).start
        definition = next(span for span in spans if span.start > start)
        rest = [span for span in spans if span != definition]
        yield from _renamed(source, "function", function.name, [definition, *rest])


def named_functions(source: Source) -> Iterator[tuple[Function, list[Span]]]:
    """Functions whose name means nothing else in their file, and where it stands."""
    names = [function.name for function in source.functions]
    for owner in (source.tree, *source.classes):
        for function in owner.body:
            if not isinstance(function, Function) or names.count(function.name) > 1 or function.name.startswith("__"):
                continue
            if isinstance(owner, ast.ClassDef):
                spans = _method(source, owner, function.name)
            else:
                spans = source.identified(function.name, source.whole, "plain")
                stored = any(
                    _is_named(node, function.name) and not isinstance(getattr(node, "ctx", None), ast.Load)
                    for node in ast.walk(source.tree)
                )
                spans = [] if stored else spans
            if spans and len(spans) == len(list(source.words(function.name, source.whole))):
                yield function, spans


def attributes(source: Source) -> Iterator[Group]:
    """Attributes of `self` that one class alone has in its file."""
    strings = {node.value for node in ast.walk(source.tree) if isinstance(node, ast.Constant)}
    for owner in source.classes:
        own = [node for node in ast.walk(owner) if isinstance(node, ast.Attribute) and _is_self(node.value)]
        declared = {node.name for node in ast.walk(owner) if isinstance(node, Scope)}
        declared |= {node.id for statement in owner.body for node in _targets(statement)}
        stored = {node.attr for node in own if _is_stored(node)}
        for name in sorted(stored - declared - strings):
            count = sum(node.attr == name for node in own)
            spans = source.identified(name, source.whole, "member")
            mentioned = any(
                source.in_prose(word) and source.text[word.start - 1 : word.start] in (".", "`")
                for word in source.words(name, source.whole)
            )
            nested = any(isinstance(node, ast.ClassDef) for part in owner.body for node in ast.walk(part))
            first_is_stored = spans and any(
                node.attr == name and _is_stored(node) and source.span(node).end == spans[0].end for node in own
            )
            if len(spans) == count and first_is_stored and not (mentioned or nested or name.startswith("__")):
                yield from _renamed(source, "attribute", name, spans)


def _renamed(source: Source, kind: FollowKind, name: str, spans: list[Span]) -> Iterator[Group]:
    """A name of whose places the first is changed."""
    if len(name) >= _LEAST_LETTERS and name != "_" and worth_following(source.text, spans, 1):
        first, *rest = map(Slot, spans)
        yield Group(kind, name, (first,), tuple(rest))


def _method(source: Source, owner: ast.ClassDef, name: str) -> list[Span]:
    """Where a method's name stands: where it is defined, and after `self.` or `cls.` within its class."""
    calls = [node for node in ast.walk(owner) if isinstance(node, ast.Attribute) and node.attr == name]
    spans = source.identified(name, source.whole, "plain", "member")
    return spans if len(spans) == 1 + len(calls) and all(_is_self(node.value) for node in calls) else []


def _is_one_variable(function: Function, name: str, *, is_parameter: bool) -> bool:
    """Whether the name is one variable of a function, wherever it stands in it."""
    outer = [*function.decorator_list, *function.args.defaults, *function.args.kw_defaults, function.returns]
    outer += [argument.annotation for argument in _arguments(function.args)]
    if name == function.name or any(_is_named(node, name) for part in outer if part for node in ast.walk(part)):
        return False
    own = is_parameter
    for node in ast.walk(function):
        if node is not function and isinstance(node, _Binder) and name in _bound(node):
            return False
        if isinstance(node, ast.Global | ast.Nonlocal) and name in node.names:
            return False
        if isinstance(node, ast.alias) and name in (node.asname, node.name.split(".")[0]):
            return False
        if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name == name:
            return False
    for statement in _own_statements(function):
        own = own or any(target.id == name for target in _targets(statement))
    return own


def _bound(binder: _Binder) -> set[str]:
    """Names that an inner scope has for its own, its own name among them."""
    if isinstance(binder, ast.comprehension):
        return {node.id for node in ast.walk(binder.target) if isinstance(node, ast.Name)}
    names: set[str] = set()
    if not isinstance(binder, ast.ClassDef):
        names |= {argument.arg for argument in _arguments(binder.args)}
    if not isinstance(binder, ast.Lambda):
        names |= {binder.name}
        names |= {target.id for statement in _own_statements(binder) for target in _targets(statement)}
    return names


def _own_statements(scope: Scope) -> Iterator[ast.stmt]:
    """A scope's statements at any depth, but for those of scopes within."""
    waiting: list[ast.AST] = list(scope.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.stmt):
            yield node
        if not isinstance(node, Scope):
            waiting += ast.iter_child_nodes(node)


def _targets(statement: ast.stmt) -> Iterator[ast.Name]:
    """The names that a statement itself binds."""
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign | ast.AugAssign | ast.For | ast.AsyncFor):
        targets = [statement.target]
    elif isinstance(statement, ast.With | ast.AsyncWith):
        targets = [item.optional_vars for item in statement.items if item.optional_vars]
    for target in targets:
        for node in ast.walk(target):
            if isinstance(node, ast.Name) and _is_stored(node):
                yield node


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    some = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return [*some, *filter(None, (arguments.vararg, arguments.kwarg))]


def _is_passed(source: Source, function: str, name: str) -> bool:
    """Whether a call in the file names this parameter."""
    return any(
        function in (getattr(call.func, "id", ""), getattr(call.func, "attr", ""))
        and any(keyword.arg == name for keyword in call.keywords)
        for call in ast.walk(source.tree)
        if isinstance(call, ast.Call)
    )


def _is_stored(node: ast.Name | ast.Attribute) -> bool:
    return isinstance(node.ctx, ast.Store)


def _is_named(node: ast.AST, name: str) -> bool:
    return getattr(node, "id", None) == name or (isinstance(node, ast.arg) and node.arg == name)


def _is_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in _RECEIVERS
