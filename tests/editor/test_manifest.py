"""The settings that the VS Code extension declares are the server's."""

import json
from typing import Any

from dgemma_lsp.config import EDITOR_SECTIONS, Config, overlay
from dgemma_lsp.host.codec import encode
from tests.editor.editors import VSCODE_EXTENSION


def declared() -> dict[str, Any]:
    """What the extension declares of each of the server's settings, by name."""
    manifest = json.loads((VSCODE_EXTENSION / "package.json").read_text())
    properties = manifest["contributes"]["configuration"]["properties"]
    names = {name.removeprefix("dgemma."): schema for name, schema in properties.items()}
    return {name: schema for name, schema in names.items() if name.split(".")[0] not in EDITOR_SECTIONS}


def tree(name: str, value: object) -> dict[str, Any]:
    """A setting as it goes over the wire."""
    section, _, key = name.rpartition(".")
    return {section: {key: value}} if section else {key: value}


def test_declares_every_setting_with_its_default() -> None:
    settings: dict[str, Any] = {}
    for name, schema in declared().items():
        for section, value in tree(name, schema["default"]).items():
            settings[section] = {**settings.get(section, {}), **value} if isinstance(value, dict) else value
    assert settings == encode(Config())


def test_declares_no_choice_and_no_bound_that_the_server_refuses() -> None:
    refused = [
        problem
        for name, schema in declared().items()
        for value in [*schema.get("enum", ()), *(schema[bound] for bound in ("minimum", "maximum") if bound in schema)]
        for problem in overlay(Config(), tree(name, value))[1]
    ]
    assert refused == []
