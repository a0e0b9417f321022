"""The fast path against the reference where both round: packed weights, and bfloat16."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.canvas import DenoiseConfig, HoleState
from engine.cuda.denoiser import CudaDenoiser
from engine.quant.scheme import Scheme
from engine.reference import ReferenceDenoiser
from engine.weights.load import load
from tests.checkpoints import WINDOW
from tests.unit.engine.canvases import canvas, prompt
from tests.unit.engine.cuda.conftest import CONTEXT_TOKENS

# Nats, in the mean of all positions after the first step, which feeds nothing back yet. A packed weight's product is
# the same for both; in bfloat16 each of six layers rounds sums that ran in another order.
TOLERANCE = {"float32": 1e-4, "bfloat16": 0.05}
SAME_READING = {"float32": 0.999, "bfloat16": 0.9}

ROWS = [canvas(prompt(28, seed), range(4, 24)) for seed in range(8)]


@pytest.mark.parametrize(
    ("dtype", "scheme"), [("float32", "int4"), ("float32", "int8"), ("bfloat16", "none"), ("bfloat16", "int4")]
)
@pytest.mark.parametrize("prompt_length", [WINDOW, 5 * WINDOW])
def test_a_step(wide: Path, dtype: str, scheme: Scheme, prompt_length: int) -> None:
    reference = load(wide, dtype=dtype, scheme=scheme, context_tokens=CONTEXT_TOKENS)
    holes, expected = (
        first_step(denoiser, prompt_length)
        for denoiser in (CudaDenoiser(reference.backbone, context_tokens=CONTEXT_TOKENS), reference)
    )
    same = np.mean([hole.argmax_ids == other.argmax_ids for hole, other in zip(holes, expected, strict=True)])
    error = np.mean([np.abs(hole.entropy - other.entropy) for hole, other in zip(holes, expected, strict=True)])
    assert same >= SAME_READING[dtype]
    assert error <= TOLERANCE[dtype]


def first_step(denoiser: CudaDenoiser | ReferenceDenoiser, prompt_length: int) -> list[HoleState]:
    config = DenoiseConfig(max_denoising_steps=1, clamped="read_once")
    with denoiser.prefill(prompt(prompt_length)) as context:
        stepper = denoiser.start(context, ROWS, seeds=range(len(ROWS)), config=config)
        return [hole for row in stepper.step().rows for hole in row.holes]
