"""The command for a borrowed card, tried on a CPU: every stage runs, writes what it found, and stops no other."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from bench import gpu_day
from bench.gpu_day import Day, main, run


def day(began: float) -> Day:
    return Day(torch.device("cpu"), small=True, began=began)


def test_every_stage_runs_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["environment", "parity", "int4", "kernels"]
    for name in names:
        monkeypatch.setattr(sys, "argv", ["gpu_day", "--small", "--out", str(tmp_path), "--stages", name])
        main()
    found = {name: json.loads((tmp_path / f"{name}.json").read_text()) for name in names}
    assert [name for name, result in found.items() if "error" in result] == []
    for figures in (found["parity"]["reference float32 none"], found["parity"]["fast float32 none"]):
        assert figures["repeats"]
        assert figures["same_reading"] == figures["same_canvas"] == figures["same_alone"] == 1.0
    for path in ("reference", "fast"):
        assert [step["canvas"] for step in found["int4"][path]["steps"]] == ["line", "16"]
        assert found["int4"][path]["parity"]["same_canvas"] == 1.0


def test_a_stage_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_day: Day) -> dict[str, object]:
        raise RuntimeError("no kernel image")

    monkeypatch.setattr(gpu_day, "stages", lambda: {"one": failing})  # pyright: ignore[reportUnknownLambdaType]
    assert run(day(time.perf_counter()), "one")["error"] == "RuntimeError: no kernel image"


def test_a_card_that_is_lost_is_lost_to_one_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has a process of its own, and all have one clock."""
    commands: list[list[str]] = []

    def process(command: list[str], *, timeout: float, check: bool) -> subprocess.CompletedProcess[bytes]:
        assert 0 < timeout <= gpu_day.LAST_SECONDS
        assert not check
        commands.append(command)
        if "parity" in command:
            return subprocess.CompletedProcess(command, -6)
        (tmp_path / "kernels.json").write_text('{"ms": 1.0}')
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", process)
    monkeypatch.setattr(sys, "argv", ["gpu_day", "--small", "--out", str(tmp_path), "--stages", "parity", "kernels"])
    main()
    assert json.loads((tmp_path / "parity.json").read_text()) == {"error": "its process ended with -6"}
    assert json.loads((tmp_path / "kernels.json").read_text()) == {"ms": 1.0}
    assert [command[command.index("--stages") + 1] for command in commands] == ["parity", "kernels"]
    assert len({command[command.index("--began") + 1] for command in commands}) == 1


def test_of_a_path_that_fails_the_other_is_measured_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_reference: object) -> None:
        raise RuntimeError("no kernel image")

    monkeypatch.setattr(gpu_day, "recorded", failing)
    found = {name: run(day(time.perf_counter()), name) for name in ("parity", "int4")}
    for name, fast, reference in (
        ("parity", "fast float32 none", "reference float32 none"),
        ("int4", "fast", "reference"),
    ):
        assert found[name][fast] == {"error": "RuntimeError: no kernel image"}
        assert "error" not in found[name][reference]


def test_after_its_time_nothing_begins() -> None:
    assert run(day(time.perf_counter() - gpu_day.SECONDS - 1), "int4") == {"error": "no time was left"}
