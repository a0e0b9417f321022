"""The command for a borrowed card, tried on a CPU: every stage runs, writes what it found, and stops no other."""

from __future__ import annotations

import gc
import json
import sys
import time
import weakref
from pathlib import Path

import pytest
import torch

from bench import gpu_day
from bench.gpu_day import Day, main, run


def day(began: float) -> Day:
    return Day(torch.device("cpu"), small=True, began=began)


def test_every_stage_runs_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["environment", "parity", "int4", "kernels"]
    monkeypatch.setattr(sys, "argv", ["gpu_day", "--small", "--out", str(tmp_path), "--stages", *names])
    main()
    found = {name: json.loads((tmp_path / f"{name}.json").read_text()) for name in names}
    assert [name for name, result in found.items() if "error" in result] == []
    for figures in (found["parity"]["reference float32 none"], found["parity"]["fast float32 none"]):
        assert figures["repeats"]
        assert figures["same_reading"] == figures["same_canvas"] == figures["same_alone"] == 1.0
    for path in ("reference", "fast"):
        assert [step["canvas"] for step in found["int4"][path]["steps"]] == ["line", "16"]
        assert found["int4"][path]["parity"]["same_canvas"] == 1.0


def test_a_stage_that_fails_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_day: Day) -> dict[str, object]:
        raise RuntimeError("no kernel image")

    monkeypatch.setattr(gpu_day, "stages", lambda: {"one": failing, "two": lambda _day: {"ms": 1.0}})  # pyright: ignore[reportUnknownLambdaType]
    found = dict(run(day(time.perf_counter()), ["one", "two"]))
    assert found["one"]["error"] == "RuntimeError: no kernel image"
    assert found["two"]["ms"] == 1.0


def test_what_a_stage_leaves_is_let_go_before_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """A card holds one model of the real size."""
    left: list[weakref.ref[type]] = []

    def leaving(_day: Day) -> dict[str, object]:
        # A class refers to itself.
        left.append(weakref.ref(type("Model", (), {})))
        return {}

    def looking(_day: Day) -> dict[str, object]:
        return {"left": left[0]() is not None}

    monkeypatch.setattr(gpu_day, "stages", lambda: {"one": leaving, "two": looking})  # pyright: ignore[reportUnknownLambdaType]
    gc.disable()
    try:
        assert not dict(run(day(time.perf_counter()), ["one", "two"]))["two"]["left"]
    finally:
        gc.enable()


def test_of_a_path_that_fails_the_other_is_measured_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_reference: object) -> None:
        raise RuntimeError("no kernel image")

    monkeypatch.setattr(gpu_day, "recorded", failing)
    found = dict(run(day(time.perf_counter()), ["parity", "int4"]))
    for name, fast, reference in (
        ("parity", "fast float32 none", "reference float32 none"),
        ("int4", "fast", "reference"),
    ):
        assert found[name][fast] == {"error": "RuntimeError: no kernel image"}
        assert "error" not in found[name][reference]


def test_after_its_time_nothing_begins() -> None:
    found = dict(run(day(time.perf_counter() - gpu_day.SECONDS - 1), ["int4"]))
    assert found == {"int4": {"error": "no time was left"}}
