"""The configuration: one typed, frozen tree, and how it is read.

On the wire and in a file its keys are camelCase. What cannot be used is reported with its path and the value below is
kept, so a mistake in one key never costs another. Merging is a fold: each source is read over the tree before it.
"""

from __future__ import annotations

import tomllib
import types
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from dgemma_lsp.wire.codec import camel
from dgemma_lsp.wire.identity import EngineOptions
from infill.request import Confidence, Mode

T = TypeVar("T")
SECTION = "dgemma"
STATUS_NOTIFICATIONS = "statusNotifications"
NO_SETTINGS = frozenset({"server", "trace", "editorInfo", "editorPluginInfo", STATUS_NOTIFICATIONS})
"""What editors keep in the same section or send along, and is no setting of the server."""

PROSE = (
    "asciidoc",
    "git-commit",
    "git-rebase",
    "gitcommit",
    "gitrebase",
    "help",
    "hgcommit",
    "jj-commit",
    "jjdescription",
    "mail",
    "markdown",
    "norg",
    "org",
    "plaintext",
    "restructuredtext",
    "rst",
    "scminput",
    "text",
)
"""Languages, as editors call them, in which nothing is suggested that was not asked for unless the user wants it."""

LogLevel: TypeAlias = Literal["error", "warning", "info", "debug"]


class ConfigError(Exception):
    """The configuration file cannot be read; the message names it and the reason."""


def _pattern_problem(pattern: str) -> str | None:
    # Imported here because `initialize` is not to wait for it.
    from dgemma_lsp.documents.ignore import pattern_problem

    return pattern_problem(pattern)


@dataclass(frozen=True, slots=True, kw_only=True)
class InlineConfig:
    """Suggestions at the cursor.

    candidates: how many an explicit request asks for. confidence: how sure an automatic suggestion has to be to be
    shown, from the surest only to nearly every one. max_line_nll: the same in nats, in place of it: a line that is less
    likely than this is not shown. deadline_ms: after which an automatic suggestion is given up, None for never: who
    types has long gone on.
    automatic: whether anything is suggested that was not asked for.
    """

    automatic: bool = True
    candidates: int = field(default=3, metadata={"bounds": (1, 10)})
    confidence: Confidence = "normal"
    max_line_nll: float | None = field(default=None, metadata={"bounds": (0, 100)})
    mode: Mode = "auto"
    deadline_ms: int | None = field(default=1_000, metadata={"bounds": (1, 600_000)})


@dataclass(frozen=True, slots=True, kw_only=True)
class EditsConfig:
    """Edits that follow from the last changes. automatic: whether any are suggested that were not asked for.
    deadline_ms: after which one that was not is given up, None for never."""

    automatic: bool = True
    deadline_ms: int | None = field(default=1_000, metadata={"bounds": (1, 600_000)})


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextConfig:
    """Code points of the document around the cursor that the engine may see."""

    before: int = field(default=16_000, metadata={"bounds": (1, 1_000_000)})
    after: int = field(default=8_000, metadata={"bounds": (1, 1_000_000)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings. Changing `engine` in a running editor changes to another engine.

    languages: whether there are automatic suggestions, by language; `*` stands for those that are not named.
    exclude: patterns in the syntax of `.gitignore` for documents that are left alone, or not in spite of all else.
    """

    engine: EngineOptions = field(default_factory=EngineOptions)
    inline: InlineConfig = field(default_factory=InlineConfig)
    edits: EditsConfig = field(default_factory=EditsConfig)
    context: ContextConfig = field(default_factory=ContextConfig)
    languages: Mapping[str, bool] = field(default_factory=lambda: dict.fromkeys(PROSE, False))
    exclude: tuple[str, ...] = field(default=(), metadata={"problem": _pattern_problem})
    log_level: LogLevel = "info"

    def suggests_in(self, language: str) -> bool:
        """Whether anything is suggested in a language that was not asked for."""
        return self.languages.get(language, self.languages.get("*", True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A setting that was not used. path: as the user wrote it, `inline.candidates`."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


def overlay(base: T, settings: object, path: str = "") -> tuple[T, tuple[Problem, ...]]:
    """Read `settings`, a JSON value, over the tree `base`: the new tree, and the settings that were not used.

    null for a whole object, or where a setting may be absent, says nothing and is no problem: editors send it for
    what their user has not set.
    """
    if settings is None:
        return base, ()
    if not isinstance(settings, Mapping):
        return base, (Problem(path=path or "settings", message="expected an object"),)
    schema = _schema(type(base))
    changes: dict[str, object] = {}
    problems: list[Problem] = []
    for key, value in cast(Mapping[str, object], settings).items():
        here = f"{path}.{key}" if path else key
        if not path and key in NO_SETTINGS:
            continue
        if key not in schema:
            problems.append(Problem(path=here, message="unknown setting"))
            continue
        definition, hint = schema[key]
        present = getattr(base, definition.name)
        if is_dataclass(hint):
            changes[definition.name], inner = overlay(present, value, here)
            problems.extend(inner)
        elif get_origin(hint) in (Mapping, tuple):
            read = _entries if get_origin(hint) is Mapping else _items
            changes[definition.name], inner = read(present, value, here, definition)
            problems.extend(inner)
        elif message := _refusal(hint, value, definition):
            problems.append(Problem(path=here, message=f"{message}; keeping {_shown(present)}"))
        else:
            changes[definition.name] = value
    return replace(cast(Any, base), **changes), tuple(problems)


def read_config(path: Path) -> dict[str, object]:
    """Read a configuration file: TOML with the same keys as an editor's settings.

    Raises:
        ConfigError: it cannot be read or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"cannot read the configuration file {path}: {reason}") from error


def _entries(
    present: Mapping[str, bool], value: object, path: str, definition: Field[object]
) -> tuple[Mapping[str, bool], tuple[Problem, ...]]:
    """Read an object of switches over those there are."""
    if value is None:
        return present, ()
    if not isinstance(value, Mapping):
        return present, (Problem(path=path, message="expected an object"),)
    entries = cast(Mapping[str, object], value)
    refusals = {key: _refusal(bool, entry, definition) for key, entry in entries.items()}
    used = {key: cast(bool, entry) for key, entry in entries.items() if refusals[key] is None}
    problems = (Problem(path=f"{path}.{key}", message=message) for key, message in refusals.items() if message)
    return {**present, **used}, tuple(problems)


def _items(
    present: tuple[str, ...], value: object, path: str, definition: Field[object]
) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
    """Read a list of strings in place of the one there is."""
    if value is None:
        return present, ()
    if not isinstance(value, list):
        return present, (Problem(path=path, message="expected a list"),)
    items = cast(list[object], value)
    refusals = [_refusal(str, item, definition) for item in items]
    used = tuple(cast(str, item) for item, message in zip(items, refusals, strict=True) if message is None)
    problems = (Problem(path=f"{path}[{i}]", message=message) for i, message in enumerate(refusals) if message)
    return used, tuple(problems)


def _refusal(hint: object, value: object, definition: Field[object]) -> str | None:
    """Why `value` is not of type `hint`, or None."""
    choices = get_args(hint)
    if get_origin(hint) is Literal:
        return None if value in choices else f"expected one of {', '.join(choices)}"
    if get_origin(hint) in (Union, types.UnionType):
        return None if value is None else _refusal(choices[0], value, definition)
    if hint is float and type(value) is int:
        value = float(value)
    if type(value) is not hint:
        return f"expected {_NAMES[cast(type, hint)]}"
    if problem := definition.metadata.get("problem"):
        return problem(value)
    bounds = definition.metadata.get("bounds")
    if bounds is not None and not bounds[0] <= cast(float, value) <= bounds[1]:
        return f"expected {bounds[0]} to {bounds[1]}"
    return None


_NAMES: dict[type, str] = {bool: "true or false", int: "a whole number", float: "a number", str: "a string"}


def _shown(value: object) -> str:
    return "no value" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


@cache
def _schema(kind: type) -> dict[str, tuple[Field[Any], Any]]:
    hints = get_type_hints(kind)
    return {camel(definition.name): (definition, hints[definition.name]) for definition in fields(cast(Any, kind))}
