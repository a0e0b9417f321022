"""The wheel holds the three packages, the embedded checkpoint and the licence, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Every path in a wheel built from this tree."""
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = out.glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


def test_holds_exactly_the_three_packages(names: set[str]) -> None:
    top = {name.split("/")[0] for name in names}
    assert {entry for entry in top if not entry.endswith(".dist-info")} == {"dgemma_lsp", "engine", "infill"}


def test_holds_the_embedded_checkpoint(names: set[str]) -> None:
    held = {Path(name).name for name in names if name.startswith("engine/nano/")}
    assert {
        "config.json",
        "generation_config.json",
        "infill.json",
        "tokenizer.json",
        "model.safetensors.index.json",
    } <= held
    assert any(name.endswith(".safetensors") for name in held)


def test_holds_the_licence_and_no_leftovers(names: set[str]) -> None:
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".ipynb"))]
