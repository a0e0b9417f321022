"""A checkpoint's profile: what is tuned for it, read from `infill.json` beside its tokenizer.

What the file does not name, or where there is none, is a default meant for a model that is right most of the time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from engine.errors import CheckpointError
from infill.request import InfillRequest

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")

FILE = "infill.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """How unlikely a line of an unasked suggestion may be, nats, by the confidence that a user asks for."""

    shy: float = 4.0
    normal: float = 8.0
    bold: float = 16.0

    def __post_init__(self) -> None:
        if not 0 <= self.shy <= self.normal <= self.bold:
            raise ValueError("gate: expected 0 <= shy <= normal <= bold")

    def most_doubt(self, request: InfillRequest) -> float | None:
        """Return how unlikely a line of a request's answer may be, nats; None where whatever is best was asked for."""
        if request.most_doubt is not None or request.confidence is None:
            return request.most_doubt
        return {"shy": self.shy, "normal": self.normal, "bold": self.bold}[request.confidence]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What is tuned for one checkpoint. follows_instructions: whether it was trained to do as it is told."""

    gate: Gate = field(default_factory=Gate)
    follows_instructions: bool = True


def profile_for(directory: Path) -> Profile:
    """Return the profile of the checkpoint in a directory.

    Raises:
        CheckpointError: its `infill.json` cannot be read, or holds what no profile has; the message names the file.
    """
    path = directory / FILE
    if not path.exists():
        return Profile()
    try:
        return _read(Profile, json.loads(path.read_text(encoding="utf-8")), "")
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} is not a profile: {error}") from error


def _read(kind: type[T], settings: object, path: str) -> T:
    """Return a dataclass whose members are named in a JSON object; each default tells its type."""
    if not isinstance(settings, dict):
        raise ValueError(f"{path or 'the file'}: expected an object")
    known = {entry.name for entry in fields(kind)}
    defaults, members = kind(), dict[str, Any]()
    for name, value in cast(Mapping[str, object], settings).items():
        here = f"{path}.{name}" if path else name
        if name not in known:
            raise ValueError(f"{here}: unknown")
        default: object = getattr(defaults, name)
        if isinstance(default, bool):
            accepted, expected = isinstance(value, bool), "true or false"
        elif isinstance(default, float):
            accepted, expected = isinstance(value, int | float) and not isinstance(value, bool), "a number"
        else:
            members[name] = _read(type(cast("DataclassInstance", default)), value, here)
            continue
        if not accepted:
            raise ValueError(f"{here}: expected {expected}")
        members[name] = value
    return kind(**members)
