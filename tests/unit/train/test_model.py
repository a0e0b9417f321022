"""The lean forward gives the logits of transformers' encoder and decoder, to 1e-4 in float32."""

# The annotations of torch are incomplete.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from transformers import DiffusionGemmaForBlockDiffusion, DynamicCache

from engine.train.model import TrainableBackbone
from engine.train.sequence import TrainingSequence
from tests.unit.train.shapes import VOCABULARY, WINDOW, tiny_backbone, tiny_configuration

TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def lean() -> TrainableBackbone:
    return tiny_backbone()


@pytest.fixture(scope="module")
def stock(lean: TrainableBackbone) -> DiffusionGemmaForBlockDiffusion:
    model = DiffusionGemmaForBlockDiffusion(tiny_configuration()).eval()
    names = {f"model.decoder.{name}": tensor for name, tensor in lean.state_dict().items()}
    assert not model.load_state_dict(names, strict=False).unexpected_keys
    model.tie_weights()
    return model


def sequence(context: Tensor, canvases: Tensor) -> TrainingSequence:
    return TrainingSequence(
        context_ids=context,
        canvas_ids=canvases,
        context_lengths=torch.full((len(context),), context.shape[1]),
        canvas_lengths=torch.full(canvases.shape[:2], canvases.shape[2]),
    )


@pytest.mark.parametrize("context_length", [WINDOW // 2, WINDOW + 1, 3 * WINDOW])
@torch.no_grad()
def test_lean_forward_equals_transformers(
    lean: TrainableBackbone, stock: DiffusionGemmaForBlockDiffusion, context_length: int
) -> None:
    torch.manual_seed(context_length)
    context = torch.randint(VOCABULARY, (2, context_length))
    canvases = torch.randint(VOCABULARY, (2, 2, 7))
    context_hidden, canvas_hidden, _ = lean(sequence(context, canvases))
    logits = lean.logits(canvas_hidden)
    rows = range(canvases.shape[1])
    caches = [DynamicCache(config=lean.config) for _ in rows]
    first = [
        stock(input_ids=context, decoder_input_ids=canvases[:, k], past_key_values=cache)
        for k, cache in zip(rows, caches, strict=True)
    ]
    # Both are fed the same beliefs, or a difference of the first pass would grow in the second.
    fed = lean.soft_embedding(torch.stack([own.logits for own in first], dim=1))
    conditioned = lean.logits(lean(sequence(context, canvases), fed)[1])
    for k, own, cache in zip(rows, first, caches, strict=True):
        torch.testing.assert_close(context_hidden, own.encoder_last_hidden_state, atol=TOLERANCE, rtol=0)
        torch.testing.assert_close(logits[:, k], own.logits, atol=TOLERANCE, rtol=0)
        second = stock(decoder_input_ids=canvases[:, k], past_key_values=cache, self_conditioning_logits=own.logits)
        torch.testing.assert_close(conditioned[:, k], second.logits, atol=TOLERANCE, rtol=0)


@torch.no_grad()
def test_padding_changes_nothing(lean: TrainableBackbone) -> None:
    torch.manual_seed(1)
    context, canvas = torch.randint(VOCABULARY, (1, 15)), torch.randint(VOCABULARY, (1, 1, 6))
    padded = TrainingSequence(
        context_ids=torch.nn.functional.pad(context, (0, 9)),
        canvas_ids=torch.nn.functional.pad(canvas, (0, 4)),
        context_lengths=torch.tensor([15]),
        canvas_lengths=torch.tensor([[6]]),
    )
    expected = lean(sequence(context, canvas))
    found = lean(padded)
    torch.testing.assert_close(found[0][:, :15], expected[0], atol=TOLERANCE, rtol=0)
    torch.testing.assert_close(found[1][:, :, :6], expected[1], atol=TOLERANCE, rtol=0)
