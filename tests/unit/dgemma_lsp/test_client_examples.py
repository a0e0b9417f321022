"""The examples of docs/clients.md can be read, and hold settings that there are."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from dgemma_lsp.config import Config, overlay

DOCUMENT = Path(__file__).parents[3] / "docs" / "clients.md"
EXAMPLES: list[tuple[str, str]] = re.findall(r"```(json|toml)\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
SETTINGS = {"json": "initializationOptions", "toml": "config"}


def found(value: Any, name: str) -> list[Any]:  # noqa: ANN401 - any JSON
    """The members of this name, however deep."""
    if not isinstance(value, dict):
        return []
    items: list[tuple[str, Any]] = list(value.items())  # pyright: ignore[reportUnknownArgumentType]
    return [member for key, item in items for member in ([item] if key == name else found(item, name))]


@pytest.mark.parametrize(("language", "example"), EXAMPLES)
def test_an_example_can_be_read_and_its_settings_are_known(language: str, example: str) -> None:
    read = json.loads(example) if language == "json" else tomllib.loads(example)
    [settings] = found(read, SETTINGS[language])
    config, problems = overlay(Config(), settings)
    assert problems == ()
    assert config.inline.candidates == 3
    assert '"dgemma-lsp"' in example


def test_every_client_with_a_file_of_settings_has_an_example() -> None:
    assert [language for language, _ in EXAMPLES] == ["toml", "json", "json"]
