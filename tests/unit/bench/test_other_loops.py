"""Loops of other projects are optional, and what is missing is said."""

from __future__ import annotations

import sys

import pytest

from bench.other_loops import missing


def test_what_is_not_installed_is_said() -> None:
    assert missing("no_such_loop") == "it is not installed (No module named 'no_such_loop')"
    assert missing("transformers") is None


def test_a_version_without_the_pipeline_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "diffusers", pytest)
    assert missing("diffusers") == "this version has no pipeline for the model; 0.42 has"
