"""CPU threads of the model's process: what is set for them, and what the user's own environment outweighs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from dgemma_lsp.client.launch import Launcher
from dgemma_lsp.resident.threads import ONE_THREAD_BYTES, threads_for
from dgemma_lsp.wire.errors import EngineUnavailable
from dgemma_lsp.wire.identity import ROOT, EngineOptions

OWN = ("OMP_WAIT_POLICY", "OMP_NUM_THREADS")


def set_own(monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str]) -> None:
    for name in OWN:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(("own", "policy"), [({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE")])
def test_a_host_is_started_with_threads_that_sleep_while_they_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: Mapping[str, str], policy: str
) -> None:
    set_own(monkeypatch, own)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    tell = (sys.executable, "-c", "import os; print('policy', os.environ['OMP_WAIT_POLICY'])")
    with pytest.raises(EngineUnavailable, match=f"could not be started: policy {policy}"):
        Launcher(EngineOptions(checkpoint=str(tmp_path)), tell).start()
    assert os.environ.get("OMP_WAIT_POLICY") == own.get("OMP_WAIT_POLICY")


@pytest.mark.parametrize(
    ("own", "weights", "threads"),
    [
        ({}, ONE_THREAD_BYTES, 1),
        ({}, ONE_THREAD_BYTES + 1, None),
        ({"OMP_NUM_THREADS": "2"}, ONE_THREAD_BYTES, None),
    ],
)
def test_a_small_model_gets_one_thread_unless_the_user_names_a_number(
    monkeypatch: pytest.MonkeyPatch, own: Mapping[str, str], weights: int, threads: int | None
) -> None:
    set_own(monkeypatch, own)
    assert threads_for(weights) == threads


@pytest.mark.parametrize(
    ("own", "found"), [({}, "PASSIVE 1"), ({"OMP_WAIT_POLICY": "ACTIVE", "OMP_NUM_THREADS": "2"}, "ACTIVE 2")]
)
def test_a_model_in_the_askers_own_process_is_loaded_with_the_same_threads(
    monkeypatch: pytest.MonkeyPatch, own: Mapping[str, str], found: str
) -> None:
    set_own(monkeypatch, own)
    script = (
        "import os\n"
        "from dgemma_lsp.checkpoints.resolve import resolve\n"
        "from dgemma_lsp.wire.identity import EngineOptions\n"
        "from dgemma_lsp.resident.model import make_loader\n"
        "make_loader(resolve('nano'), EngineOptions(device='cpu'))(lambda message, progress: None)\n"
        "import torch\n"
        "print(os.environ['OMP_WAIT_POLICY'], torch.get_num_threads())\n"
    )
    run = subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT, capture_output=True, text=True)
    assert run.stdout.strip() == found
