"""From JSON to the protocol's types: strictly where a guess would corrupt a document, leniently where an editor tells
of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias, cast

from cattrs import Converter
from cattrs.cols import is_sequence, list_structure_factory
from cattrs.errors import AttributeValidationNote, ClassValidationError, IterableValidationError
from lsprotocol import types
from lsprotocol.converters import get_converter

from dgemma_lsp.wire.codec import camel

LARGEST = 2**31 - 1
"""The largest number of the protocol. What lies past the end means the end, so a larger one means the same."""

Path: TypeAlias = tuple[str | int, ...]


def make_converter(*, detailed: bool = False) -> Converter:
    """A converter that refuses what others would turn into text or lists, and takes any number for a position.

    detailed: errors tell of all that is wrong, and where, which costs time with every one.
    """
    converter = get_converter(Converter(detailed_validation=detailed))
    converter.register_structure_hook(str, _text)
    converter.register_structure_hook(types.Position, _position)
    converter.register_structure_hook_factory(is_sequence, _list_hook)
    return converter


def read_initialize(params: object) -> tuple[types.InitializeParams, tuple[str, ...]]:
    """The parameters of `initialize`, and the paths of what in them was left out because the protocol's types do not
    know it: an editor that speaks a newer protocol is served all the same."""
    converter = make_converter(detailed=True)
    data: dict[str, Any] = _copy(cast(object, params)) if isinstance(params, dict) else {}
    # Deprecated and used by nobody here.
    data.pop("rootUri", None)
    data.pop("rootPath", None)
    left_out = set[str]()
    while True:
        if not isinstance(data.get("capabilities"), dict):
            data["capabilities"] = {}
            left_out.add("capabilities")
        try:
            return converter.structure(data, types.InitializeParams), tuple(sorted(left_out))
        except ClassValidationError as error:
            # Backwards, so that what is taken out of a list moves nothing that is taken out later.
            for path in sorted({_present(data, path) for path in _paths(error)}, reverse=True):
                _remove(data, path)
                left_out.add(".".join(map(str, path)))


def _text(value: object, kind: type[str]) -> str:
    if not isinstance(value, str):
        raise TypeError("not a string")
    # An enumeration of strings is one of these, too.
    return kind(value)


def _list_hook(kind: Any, converter: Converter) -> Callable[[object, Any], Any]:  # noqa: ANN401 - any type of a list
    structure = list_structure_factory(kind, converter)

    def of_list(value: object, kind: Any) -> Any:  # noqa: ANN401
        if not isinstance(value, list):
            # A text of a megabyte would be a million items.
            raise TypeError("not a list")
        return structure(cast(list[object], value), kind)

    return of_list


def _position(value: object, _: type) -> types.Position:
    if not isinstance(value, dict):
        raise TypeError("not a position")
    members = cast(dict[str, object], value)
    return types.Position(*(_count(members[name]) for name in ("line", "character")))


def _count(value: object) -> int:
    if not isinstance(value, int | float) or isinstance(value, bool) or not value >= 0:
        raise ValueError("not a number from 0 on")
    return int(min(value, LARGEST))


def _copy(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return {key: _copy(member) for key, member in cast(dict[str, Any], value).items()}
    return [_copy(item) for item in cast(list[Any], value)] if isinstance(value, list) else value


def _paths(error: Exception, path: Path = ()) -> Iterator[Path]:
    """Where the values stand that an error is about."""
    if not isinstance(error, ClassValidationError | IterableValidationError):
        yield path
        return
    noted, unnoted = error.group_exceptions()
    for inner, note in noted:
        step = camel(note.name) if isinstance(note, AttributeValidationNote) else note.index
        yield from _paths(inner, (*path, step))
    if unnoted:
        yield path


def _present(data: object, path: Path) -> Path:
    """`path` as far as there is something: a value that is missing is the fault of the object it should stand in."""
    if not path:
        return ()
    step, *rest = path
    if isinstance(data, dict):
        members = cast(dict[str | int, object], data)
        return (step, *_present(members[step], tuple(rest))) if step in members else ()
    if isinstance(data, list) and isinstance(step, int):
        return (step, *_present(cast(list[object], data)[step], tuple(rest)))
    return ()


def _remove(data: Any, path: Path) -> None:  # noqa: ANN401 - any JSON
    if not path:
        data.clear()
        return
    for step in path[:-1]:
        data = data[step]
    del data[path[-1]]
