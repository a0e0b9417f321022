"""The whole recipe runs, from source files to the card, with a little of everything and nothing downloaded."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from bench.nano import heldout_renames
from infill.text.tokens import TextTokens


def test_all_runs_end_to_end(tmp_path: Path) -> None:
    options = ["--state", str(tmp_path / "state"), "--into", str(tmp_path), "--small", "--limit", "1"]
    command = [sys.executable, "-m", "bench.nano", *options, "all"]
    one_thread = os.environ | {"OMP_NUM_THREADS": "1"}  # Many small products, whose threads would mostly wait.
    made = subprocess.run(command, capture_output=True, text=True, env=one_thread)
    assert made.returncode == 0, made.stderr
    checkpoint = tmp_path / "engine" / "nano"
    assert (checkpoint / "model.safetensors.index.json").exists()
    assert (tmp_path / "bench" / "nano" / "twin" / "model.safetensors.index.json").exists()
    assert len(TextTokens.load(checkpoint).encode("def f():")) > 2
    card = (checkpoint / "README.md").read_text()
    assert "| single, all holes | " in card
    assert "train adapt --steps 4" in card
    assert "| heldout | standard library: " in card
    assert len(heldout_renames.read("tuning", tmp_path / "bench" / "data")) == 2
