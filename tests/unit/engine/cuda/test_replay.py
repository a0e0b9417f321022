"""A program's operations, recorded once and replayed on other data, as a card's graph is."""

from __future__ import annotations

import numpy as np
import pytest

from engine.canvas import BatchState, DenoiseConfig, ScoreQuery
from engine.cuda.denoiser import CudaDenoiser
from engine.cuda.programs.program import Program
from engine.model.backbone import Backbone
from tests.checkpoints import WINDOW
from tests.unit.engine.canvases import canvas, prompt
from tests.unit.engine.cuda.conftest import CONTEXT_TOKENS
from tests.unit.engine.cuda.recording import Recording

CONFIG = DenoiseConfig(max_denoising_steps=3, entropy_bound=1.0, clamped="read_once")

# Nats; a recorded operation is called without the layers above it, which may choose another kernel.
TOLERANCE = 1e-4


def answers(denoiser: CudaDenoiser, seed: int) -> tuple[list[BatchState], list[list[float]]]:
    """What a prompt, two canvases and two texts of this seed come to; the same shapes for every seed."""
    rows = [canvas(prompt(12, seed + row), range(4, 8)) for row in range(2)]
    with denoiser.prefill(prompt(2 * WINDOW + seed, seed)) as context:
        stepper = denoiser.start(context, rows, seeds=[seed, seed + 1], config=CONFIG)
        states = [stepper.step() for _ in range(3)]
        reader = denoiser.reader(context)
        queries = [ScoreQuery(token_ids=prompt(5, seed + row)) for row in range(2)]
        return states, [scores.log_probs.tolist() for scores in reader.read(queries)]


def test_programs_replayed_on_other_data_give_what_they_would(
    backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = [answers(CudaDenoiser(backbone, context_tokens=CONTEXT_TOKENS), seed) for seed in range(4)]
    recordings: dict[int, Recording] = {}
    replayed = 0

    def run(program: Program) -> None:
        nonlocal replayed
        if id(program) in recordings:
            replayed += 1
            recordings[id(program)].replay()
            return
        with Recording() as recordings[id(program)]:
            program.operations()

    monkeypatch.setattr(Program, "run", run)
    denoiser = CudaDenoiser(backbone, context_tokens=CONTEXT_TOKENS)
    found = [answers(denoiser, seed) for seed in range(4)]
    assert replayed > len(recordings) > 3
    for (states, scores), (expected_states, expected_scores) in zip(found, expected, strict=True):
        np.testing.assert_allclose(scores, expected_scores, atol=TOLERANCE)
        for state, other in zip(states, expected_states, strict=True):
            for row, expected_row in zip(state.rows, other.rows, strict=True):
                for hole, expected_hole in zip(row.holes, expected_row.holes, strict=True):
                    np.testing.assert_array_equal(hole.argmax_ids, expected_hole.argmax_ids)
                    np.testing.assert_allclose(hole.entropy, expected_hole.entropy, atol=TOLERANCE)
