"""Noise falls on free positions only, and each loss is the mean over what it is meant to cover."""

# The annotations of torch are incomplete.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from engine.train.model import TrainableBackbone
from engine.train.objective import Objective, TrainingBatch, corrupt
from engine.train.sequence import TrainingSequence
from tests.unit.train.shapes import VOCABULARY, random_batch, tiny_backbone, tiny_text_configuration


@pytest.mark.parametrize(("level", "least", "most"), [(0.0, 0, 0), (0.5, 0.3, 0.7), (1.0, 0.9, 1.0)])
def test_corruption_is_limited_to_free_positions(level: float, least: float, most: float) -> None:
    batch = random_batch(0, rows=20, canvases=3, length=30)
    batch = replace(batch, levels=torch.full((20, 3), level))
    noisy = corrupt(batch, VOCABULARY, torch.Generator().manual_seed(0))
    changed = noisy != batch.canvas_ids
    assert not changed[~batch.free].any()
    assert least <= changed[batch.free].float().mean().item() <= most


@torch.no_grad()
def test_losses_are_means_over_context_and_free_positions() -> None:
    model, batch = tiny_backbone(), random_batch(1)
    batch = replace(batch, levels=torch.zeros_like(batch.levels), context_lengths=torch.tensor([20, 13]))
    losses = Objective(model)(batch, torch.Generator())
    clean = TrainingSequence(
        context_ids=batch.context_ids,
        canvas_ids=batch.canvas_ids,
        context_lengths=batch.context_lengths,
        canvas_lengths=batch.canvas_lengths,
    )
    context, canvas, _ = model(clean)
    causal = model.logits(context).log_softmax(-1)
    nats = [
        -causal[row, i, batch.context_ids[row, i + 1]] for row, length in enumerate([20, 13]) for i in range(length - 1)
    ]
    torch.testing.assert_close(losses.causal, torch.stack(nats).mean())
    held = model.logits(canvas).log_softmax(-1).gather(-1, batch.canvas_ids[..., None])[..., 0]
    torch.testing.assert_close(losses.canvas, -held[batch.free].mean())


def test_contexts_alone_have_no_canvas_loss_and_still_teach() -> None:
    model = tiny_backbone()
    losses = Objective(model)(TrainingBatch.of_contexts(random_batch(2).context_ids), torch.Generator())
    losses.total.backward()
    assert losses.canvas.item() == 0
    assert model.embed_tokens.weight.grad is not None
    assert model.self_conditioning.gate_proj.weight.grad is None


def test_self_conditioning_changes_the_canvas_loss_only() -> None:
    model, batch = tiny_backbone(), random_batch(3)
    alone, conditioned = (
        Objective(model)(batch, torch.Generator().manual_seed(0), self_condition=twice) for twice in (False, True)
    )
    torch.testing.assert_close(alone.causal, conditioned.causal)
    assert abs(alone.canvas.item() - conditioned.canvas.item()) > 1e-4


@pytest.mark.parametrize("twice", [False, True])
def test_products_in_bfloat16_teach_the_same(twice: bool) -> None:
    torch.manual_seed(0)
    model, batch = TrainableBackbone(tiny_text_configuration()), random_batch(4)
    gradients: list[torch.Tensor] = []
    totals: list[float] = []
    for bfloat16 in (False, True):
        model.zero_grad()
        losses = Objective(model, bfloat16=bfloat16)(batch, torch.Generator().manual_seed(0), self_condition=twice)
        losses.total.backward()
        totals.append(losses.total.item())
        gradients.append(torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]))
    assert {gradient.dtype for gradient in gradients} == {torch.float32}
    assert totals[1] == pytest.approx(totals[0], rel=0.02)
    assert torch.cosine_similarity(gradients[0], gradients[1], dim=0).item() > 0.99
