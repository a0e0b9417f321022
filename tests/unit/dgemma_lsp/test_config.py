"""Reading settings: types, bounds, paths of what cannot be used, and what outweighs what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dgemma_lsp.config import Config, ConfigError, overlay, read_config
from dgemma_lsp.lsp.settings import Settings


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"inline": {"candidates": "3"}}, "inline.candidates: expected a whole number; keeping 3"),
        ({"inline": {"candidates": True}}, "inline.candidates: expected a whole number; keeping 3"),
        ({"inline": {"candidates": 0}}, "inline.candidates: expected 1 to 10; keeping 3"),
        ({"inline": {"maxLineNll": -1}}, "inline.maxLineNll: expected 0 to 100; keeping no value"),
        ({"inline": {"maxLineNll": float("nan")}}, "inline.maxLineNll: expected 0 to 100; keeping no value"),
        ({"inline": {"confidence": "loud"}}, "inline.confidence: expected one of shy, normal, bold; keeping normal"),
        ({"inline": {"confidence": None}}, "inline.confidence: expected one of shy, normal, bold; keeping normal"),
        ({"inline": {"automatic": 1}}, "inline.automatic: expected true or false; keeping true"),
        ({"inline": {"mode": "page"}}, "inline.mode: expected one of line, block, auto; keeping auto"),
        ({"inline": {"mode": ["line"]}}, "inline.mode: expected one of line, block, auto; keeping auto"),
        ({"inline": {"deadlineMs": 0}}, "inline.deadlineMs: expected 1 to 600000; keeping 1000"),
        ({"inline": 3}, "inline: expected an object"),
        ({"engine": {"checkpoint": 3}}, "engine.checkpoint: expected a string; keeping auto"),
        ({"max_line_nll": 1}, "max_line_nll: unknown setting"),
        ([1], "settings: expected an object"),
        ({"exclude": "*.py"}, "exclude: expected a list"),
        ({"exclude": [3]}, "exclude[0]: expected a string"),
        ({"exclude": ["!"]}, "exclude[0]: expected a pattern as in .gitignore"),
        ({"languages": ["python"]}, "languages: expected an object"),
        ({"languages": {"python": "off"}}, "languages.python: expected true or false"),
    ],
)
def test_what_cannot_be_used_is_named_and_the_default_kept(settings: object, problem: str) -> None:
    config, problems = overlay(Config(), settings)
    assert config == Config()
    assert [str(found) for found in problems] == [problem]


@pytest.mark.parametrize(
    "settings",
    [
        None,
        {},
        {"inline": None},
        {"inline": {"maxLineNll": None}},
        {"exclude": None, "languages": None},
        {"statusNotifications": True},
        {"trace": {"server": "off"}},
    ],
)
def test_what_says_nothing_is_no_problem(settings: object) -> None:
    assert overlay(Config(), settings) == (Config(), ())


def test_good_settings_apply_beside_bad_ones() -> None:
    settings = {"inline": {"maxLineNll": 1, "candidates": 99, "deadlineMs": 300}, "logLevel": "debug"}
    config, problems = overlay(Config(), settings)
    assert (config.inline.max_line_nll, config.inline.deadline_ms, config.log_level) == (1, 300, "debug")
    assert len(problems) == 1


def test_good_entries_apply_beside_bad_ones() -> None:
    config, problems = overlay(Config(), {"exclude": ["*.a", 1, "*.b"], "languages": {"markdown": True, "c": 0}})
    assert config.exclude == ("*.a", "*.b")
    assert config.suggests_in("markdown")
    assert [problem.path for problem in problems] == ["exclude[1]", "languages.c"]


@pytest.mark.parametrize(
    ("languages", "on", "off"),
    [
        ({}, ["python", "", "latex"], ["markdown", "plaintext", "gitcommit", "git-commit"]),
        ({"markdown": True}, ["markdown", "python"], ["plaintext"]),
        ({"python": False}, ["go"], ["python", "markdown"]),
        ({"*": False, "python": True}, ["python"], ["go", "markdown", ""]),
    ],
)
def test_languages_are_switched_over_the_defaults(languages: dict[str, bool], on: list[str], off: list[str]) -> None:
    config, _ = overlay(Config(), {"languages": languages})
    assert [language for language in on + off if config.suggests_in(language)] == on


def test_later_layers_outweigh_earlier_ones_and_problems_are_told_once() -> None:
    settings = Settings()
    layers: dict[Any, Any] = {
        "editor": {"inline": {"candidates": 3, "mode": "line"}, "bad": 1},
        "flags": {"inline": {"candidates": 4}},
        "file": {"inline": {"candidates": 1, "mode": "block", "maxLineNll": 9}},
        "initial": {"inline": {"candidates": 2, "maxLineNll": 8}},
    }
    assert [settings.update(layer, value) for layer, value in layers.items()] == [("bad: unknown setting",), (), (), ()]
    inline = settings.config.inline
    assert (inline.candidates, inline.mode, inline.max_line_nll) == (4, "line", 8)
    settings.update("editor", None)
    assert settings.config.inline.mode == "block"


@pytest.mark.parametrize("content", [b"= 1", b"\xff", None])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "settings.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"cannot read the configuration file .*settings\.toml: "):
        read_config(path)
