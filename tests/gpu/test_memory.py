"""What the fast path holds of a card at the real model's size, against what was reckoned before anything was made."""

from __future__ import annotations

import pytest
import torch

from bench.full_size import configuration
from engine.canvas import DenoiseConfig, ScoreQuery
from engine.cuda.denoiser import CudaDenoiser
from engine.cuda.programs.buckets import POSITIONS, TOKENS, forward_shapes, sampling_shapes
from engine.placement.budget import Needs
from engine.quant.scheme import Scheme
from tests.gpu.card import Card
from tests.gpu.full_size import denoiser_of
from tests.unit.engine.allocations import Allocations
from tests.unit.engine.canvases import canvas, prompt

CONTEXT = 8192

TOLERANCE = 0.03
"""The share of the plan by which it may be off."""


@pytest.mark.usefixtures("standing_in")
@pytest.mark.parametrize("scheme", ["int4", "none"])
def test_what_is_held_and_passes_was_reckoned(scheme: Scheme) -> None:
    backbone = denoiser_of(scheme).backbone
    needs = Needs(configuration(), torch.bfloat16, on_card=True)
    budget = needs.budget(scheme, context_tokens=CONTEXT)
    rows = [canvas(prompt(300, seed), range(20, 280)) for seed in range(2)]
    with torch.inference_mode(), Allocations() as allocations, Card():
        denoiser = CudaDenoiser(backbone, context_tokens=CONTEXT)
        samplings = [denoiser.programs.sampling(shape.positions, mixed=shape.mixed) for shape in sampling_shapes()]
        forwards = [denoiser.programs.forward(shape.direction, shape.tokens, shape.extra) for shape in forward_shapes()]
        lasting = allocations.held
        recorded = 0
        for made in (*samplings, *forwards):
            before = allocations.begin()
            made.program.operations()
            recorded = max(recorded, allocations.peak - before)
        # What is replayed makes nothing anew; what runs between is made and let go.
        for made in (*samplings, *forwards):
            made.program.operations = lambda: None
        before = allocations.begin()
        with denoiser.prefill(prompt(CONTEXT)) as context:
            denoiser.start(context, rows, seeds=range(2), config=DenoiseConfig(max_denoising_steps=2)).step()
            denoiser.reader(context).read([ScoreQuery(token_ids=row.token_ids) for row in rows])
        passing = allocations.peak - before
    assert max(shape.tokens for shape in forward_shapes()) == TOKENS[-1]
    assert max(shape.positions for shape in sampling_shapes()) == POSITIONS[-1]
    held = lasting + recorded + passing
    assert held <= budget.key_values + budget.fast_path
    assert held >= budget.key_values + budget.fast_path - TOLERANCE * budget.total
    assert budget.total == budget.weights + budget.key_values + max(budget.workspace, budget.fast_path)


def test_a_card_that_serves_from_main_memory_has_no_fast_path() -> None:
    needs = Needs(configuration(), torch.bfloat16, on_card=True)
    assert needs.budget("int4", context_tokens=CONTEXT, offloaded=1).fast_path == 0
    assert Needs(configuration(), torch.bfloat16).budget("int4", context_tokens=CONTEXT).fast_path == 0
