"""What is reckoned with before a checkpoint is loaded."""

from __future__ import annotations

import pytest
import torch

from dgemma_lsp.checkpoints.prepare import plan_for
from dgemma_lsp.checkpoints.resolve import resolve
from dgemma_lsp.wire.identity import EngineOptions


def test_free_memory_is_read_when_the_libraries_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def schemes(_device: torch.device) -> tuple[str, ...]:
        done.append("kernels tried")
        return ("none",)

    def free(_device: torch.device) -> int:
        done.append("memory read")
        return 10**10

    monkeypatch.setattr("engine.quant.quantize.automatic_schemes", schemes)
    monkeypatch.setattr("engine.placement.devices.free_bytes", free)
    plan_for(resolve("nano"), EngineOptions(checkpoint="nano", device="cpu"))
    assert done == ["kernels tried", "memory read"]
