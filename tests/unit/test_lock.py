"""`constraints.txt` holds a version of everything that `pyproject.toml` asks for; `make lock` writes it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ASKED: list[str] = [
    *PROJECT["project"]["dependencies"],
    *PROJECT["project"]["optional-dependencies"]["cuda"],
    *PROJECT["dependency-groups"]["dev"],
]
LINES = [
    line for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if not line.startswith("#")
]
LOCKED = {canonicalize_name(own.name): own for own in map(Requirement, LINES)}


@pytest.mark.parametrize("asked", ASKED)
def test_what_is_asked_for_is_locked_to_a_version_that_fits(asked: str) -> None:
    wanted = Requirement(asked)
    [locked] = LOCKED[canonicalize_name(wanted.name)].specifier
    assert locked.operator == "=="
    assert locked.version in wanted.specifier


def test_torch_is_locked_without_a_build_tag() -> None:
    """So that a machine with CUDA takes the CUDA build, and one without may take the CPU build."""
    [torch] = LOCKED[canonicalize_name("torch")].specifier
    assert "+" not in torch.version
