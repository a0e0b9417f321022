"""The settings that the VS Code extension declares are the server's."""

import json
from collections.abc import Callable
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints

from dgemma_lsp.config import NO_SETTINGS, Config, overlay
from dgemma_lsp.wire.codec import camel, encode
from tests.editor.editors import VSCODE_EXTENSION

PROPERTIES: dict[str, dict[str, Any]] = json.loads((VSCODE_EXTENSION / "package.json").read_text())["contributes"][
    "configuration"
]["properties"]
DECLARED = {
    name: schema
    for name, schema in ((name.removeprefix("dgemma."), schema) for name, schema in PROPERTIES.items())
    if name.split(".")[0] not in NO_SETTINGS
}
"""What the extension declares of each of the server's settings."""


def tree(name: str, value: object) -> dict[str, Any]:
    """A setting as it goes over the wire."""
    section, _, key = name.rpartition(".")
    return {section: {key: value}} if section else {key: value}


def choices(name: str) -> set[object] | None:
    """The values that a setting may have, where the server has a list of them."""
    hint: object = Config
    for key in name.split("."):
        hints = get_type_hints(cast(Callable[..., object], hint))
        hint = {camel(field): hint for field, hint in hints.items()}[key]
    return set(get_args(hint)) if get_origin(hint) is Literal else None


def test_declares_every_setting_with_its_default() -> None:
    settings: dict[str, Any] = {}
    for name, schema in DECLARED.items():
        for section, value in tree(name, schema["default"]).items():
            settings[section] = {**settings.get(section, {}), **value} if "." in name else value
    assert settings == encode(Config())


def test_declares_the_choices_that_the_server_knows() -> None:
    declared = {name: set(schema["enum"]) if "enum" in schema else None for name, schema in DECLARED.items()}
    assert declared == {name: choices(name) for name in DECLARED}


def test_declares_no_bound_that_the_server_refuses() -> None:
    refused = [
        problem
        for name, schema in DECLARED.items()
        for bound in ("minimum", "maximum")
        if bound in schema
        for problem in overlay(Config(), tree(name, schema[bound]))[1]
    ]
    assert refused == []


def test_no_workspace_names_the_program() -> None:
    assert PROPERTIES["dgemma.server.path"]["scope"] == "machine"
