"""Frozen dataclasses to camelCase JSON values and back, strictly.

A value that does not fit its type exactly is refused with the path to it; nothing is coerced but whole numbers to
floats. A message never repeats a value, because values are the user's source text.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from infill.request import Span

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")

_JSON_NAMES: dict[type, str] = {
    bool: "true or false",
    int: "an integer",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "an object",
    types.NoneType: "null",
}


class WireError(ValueError):
    """A JSON value that is not what was agreed; the message begins with the path to it (`$.holes[0]: …`)."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")


def camel(name: str) -> str:
    """`must_start_with` as `mustStartWith`."""
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)


def encode(value: object) -> object:
    """Build the JSON value of a dataclass, tuple, mapping or plain value. A `Span` is `[start, end]`."""
    if isinstance(value, Span):
        return [value.start, value.end]
    if is_dataclass(value) and not isinstance(value, type):
        return encode_fields(value)
    if isinstance(value, tuple | list):
        return [encode(item) for item in cast(tuple[object, ...], value)]
    if isinstance(value, Mapping):
        return {key: encode(item) for key, item in cast(Mapping[str, object], value).items()}
    return value


def encode_fields(value: DataclassInstance) -> dict[str, object]:
    """Build the JSON object of a dataclass."""
    return {_json_name(field): encode(getattr(value, field.name)) for field in fields(value)}


def decode(kind: type[T], value: object, path: str = "$") -> T:
    """Read a JSON value as `kind`: a dataclass of what the wire's types are made of.

    Raises:
        WireError: a field is unknown, missing or of another type, or the type itself refuses its values.
    """
    return cast(T, _decode(kind, value, path))


def _decode(hint: object, value: object, path: str) -> object:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        if value not in arguments:
            raise WireError(path, f"expected one of {', '.join(repr(choice) for choice in arguments)}")
        return value
    if origin in (Union, types.UnionType):
        return None if value is None else _decode(arguments[0], value, path)
    if origin is tuple:
        return _decode_tuple(arguments, _expect_list(value, path), path)
    if origin is Mapping:
        items = _expect_dict(value, path).items()
        return {key: _decode(arguments[1], item, f"{path}.{key}") for key, item in items}
    if hint is Span:
        start, end = _decode_tuple((int, int), _expect_list(value, path), path)
        return _build(Span, {"start": start, "end": end}, path)
    if is_dataclass(hint):
        return _decode_dataclass(cast(type, hint), _expect_dict(value, path), path)
    return _expect(cast(type, hint), value, path)


def _expect(kind: type, value: object, path: str) -> object:
    if type(value) is kind:
        return value
    if kind is float and type(value) is int:
        return float(value)
    raise WireError(path, f"expected {_JSON_NAMES[kind]}, not {_JSON_NAMES[type(value)]}")


def _expect_list(value: object, path: str) -> list[object]:
    return cast(list[object], _expect(list, value, path))


def _expect_dict(value: object, path: str) -> dict[str, object]:
    return cast(dict[str, object], _expect(dict, value, path))


def _decode_tuple(arguments: tuple[Any, ...], items: list[object], path: str) -> tuple[object, ...]:
    if arguments[-1] is Ellipsis:
        hints = (arguments[0],) * len(items)
    elif len(arguments) == len(items):
        hints = arguments
    else:
        raise WireError(path, f"expected {len(arguments)} items, not {len(items)}")
    return tuple(_decode(hint, item, f"{path}[{i}]") for i, (hint, item) in enumerate(zip(hints, items, strict=True)))


def _decode_dataclass(kind: type, value: dict[str, object], path: str) -> object:
    schema = _schema(kind)
    for name in value:
        if name not in schema:
            raise WireError(f"{path}.{name}", "unknown field")
    arguments: dict[str, object] = {}
    for name, (field, hint) in schema.items():
        if name in value:
            arguments[field.name] = _decode(hint, value[name], f"{path}.{name}")
        elif field.default is MISSING and field.default_factory is MISSING:
            raise WireError(f"{path}.{name}", "missing")
    return _build(kind, arguments, path)


def _build(kind: type, arguments: dict[str, object], path: str) -> object:
    try:
        return kind(**arguments)
    except ValueError as error:
        raise WireError(path, str(error)) from error


@cache
def _schema(kind: type) -> dict[str, tuple[Field[Any], Any]]:
    """JSON name → field and its type."""
    hints = get_type_hints(kind)
    return {_json_name(field): (field, hints[field.name]) for field in fields(kind)}


def _json_name(field: Field[Any]) -> str:
    """camelCase, unless the field's metadata names another."""
    return field.metadata.get("name", camel(field.name))
