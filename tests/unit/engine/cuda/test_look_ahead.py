"""What a step does while the device works, and what it waits for."""

from __future__ import annotations

from itertools import groupby

import pytest
import torch
from torch import Tensor

from engine.canvas import DenoiseConfig
from engine.cuda import rows, stepper
from engine.cuda.batch import Batch
from engine.cuda.denoiser import CudaDenoiser
from tests.unit.engine.canvases import canvas, prompt

CONFIG = DenoiseConfig(max_denoising_steps=3, entropy_bound=0.0, confidence_threshold=0.0, clamped="read_once")


def test_noise_and_the_next_batch_are_made_before_the_copy(fast: CudaDenoiser, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    copy, renoise, pack = Tensor.cpu, rows.renoised, Batch.__init__

    def noted_copy(tensor: Tensor) -> Tensor:
        done.append("copy")
        return copy(tensor)

    def noted_noise(*given: object) -> object:
        done.append("noise")
        return renoise(*given)  # pyright: ignore[reportArgumentType]

    def noted_pack(self: Batch, *given: object) -> None:
        done.append("pack")
        pack(self, *given)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(torch.Tensor, "cpu", noted_copy)
    monkeypatch.setattr(stepper, "renoised", noted_noise)
    monkeypatch.setattr(stepper.Batch, "__init__", noted_pack)
    with fast.prefill(prompt(20)) as context:
        started = fast.start(context, [canvas(prompt(9), range(3, 6))], seeds=[1], config=CONFIG)
        for expected in (["pack", "noise", "pack", "copy"], ["noise", "pack", "copy"], ["noise", "copy"]):
            done.clear()
            started.step()
            # Batches are tried out while rows are grouped.
            assert [name for name, _ in groupby(done)] == expected
