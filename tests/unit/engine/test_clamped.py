"""Clamped tokens that are read once: for all rows, turned to where they stand, blind to the holes and seen by them."""

# torch and transformers annotate themselves in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.canvas import Canvas, DenoiseConfig
from engine.denoise.clamped import HOLE_LENGTH, ClampedKV, ClampedTokens, LayerKV
from engine.kv.cache import FrozenCache
from engine.kv.masks import TokenPositions
from engine.kv.pool import PooledContext
from engine.model.backbone import Backbone
from engine.reference import ReferenceDenoiser
from tests.checkpoints import WINDOW
from tests.unit.engine.canvases import canvas, prompt

CPU = torch.device("cpu")
CONTEXT = 2 * WINDOW
FLAT = DenoiseConfig(max_denoising_steps=4, t_max=1.0, t_min=1.0, clamped="read_once")
# Nats; float32 reductions run in another order.
TOLERANCE = 1e-3


def with_hole(length: int, *, seed: int = 1) -> Canvas:
    """Three known tokens, a hole that is kept, and four known tokens, the same for every length."""
    known = prompt(7, seed=seed)
    ids = np.concatenate([known[:3], prompt(length, seed=2), known[3:]])
    return canvas(ids, range(3, 3 + length), keep_start=True)


def test_a_hole_of_the_usual_length_is_one_pass_in_which_clamped_tokens_are_blind_to_it(backbone: Backbone) -> None:
    own = with_hole(HOLE_LENGTH)
    with ReferenceDenoiser(backbone, context_tokens=64).prefill(prompt(CONTEXT)) as context, torch.inference_mode():
        stepper = ReferenceDenoiser(backbone, context_tokens=64).start(context, [own], seeds=[0], config=FLAT)
        row = stepper.step().rows[0]
        places = TokenPositions.of_rows(CONTEXT, [torch.arange(len(own))], CPU)
        masks = backbone.decoder_masks(places, CONTEXT)
        hidden = backbone.decode(
            torch.from_numpy(own.token_ids).long(),
            torch.zeros(len(own), backbone.hidden_size),
            places,
            {kind: blinded(own, CONTEXT if kind == "full_attention" else WINDOW - 1) for kind in masks},
            FrozenCache(context.slot.sequence, CONTEXT),
        )
        expected = torch.distributions.Categorical(logits=backbone.logits(hidden)).entropy()
    np.testing.assert_allclose(
        np.concatenate([hole.entropy for hole in row.holes]), expected.numpy()[~own.clamped], atol=TOLERANCE
    )


def blinded(own: Canvas, context_keys: int) -> Tensor:
    """A canvas's mask in which clamped queries do not see its free keys."""
    clamped = torch.from_numpy(own.clamped)
    hidden = torch.cat([torch.zeros(len(own), context_keys, dtype=torch.bool), clamped[:, None] & ~clamped], dim=1)
    return torch.zeros(hidden.shape).masked_fill_(hidden, -torch.inf)[None, None]


@pytest.mark.parametrize("layer", [0, 5])
def test_a_turned_key_is_the_key_of_the_place_it_moved_to(backbone: Backbone, layer: int) -> None:
    shape = backbone.layer_shapes[layer]
    keys = torch.randn(1, shape.heads, 3, shape.head_dim, generator=torch.Generator().manual_seed(0))
    there, on = torch.tensor([0, 5, 40]), torch.tensor([0, -3, 200])
    moved = backbone.turn(backbone.turn(keys, layer, backbone.turns(there)), layer, backbone.turns(on))
    torch.testing.assert_close(moved, backbone.turn(keys, layer, backbone.turns(there + on)), atol=1e-4, rtol=0)


def test_clamped_tokens_stand_where_their_row_has_them(denoiser: ReferenceDenoiser) -> None:
    """Of the first layer, whose keys depend on a token and its place only."""
    backbone = denoiser.backbone
    rows = [ClampedTokens.of_canvas(with_hole(length), CPU) for length in (2, HOLE_LENGTH + 5, 2)]
    assert rows[0].kv_key == rows[1].kv_key
    with denoiser.prefill(prompt(CONTEXT)) as context, torch.inference_mode():
        clamped_kv = ClampedKV(rows, reading_of(rows[0], backbone, context), backbone, CONTEXT)
        in_place = [ClampedTokens(own.token_ids, own.positions, own.positions, b"", b"") for own in rows[:2]]
        expected = torch.cat([reading_of(own, backbone, context)[b""][0].keys for own in in_place], dim=2)
        torch.testing.assert_close(clamped_kv.in_place(0).keys, expected, atol=1e-4, rtol=0)
    assert clamped_kv.positions.positions.tolist() == [
        CONTEXT + p for p in [0, 1, 2, 5, 6, 7, 8, 0, 1, 2, 16, 17, 18, 19]
    ]
    assert clamped_kv.positions.rows.tolist() == [3] * 7 + [4] * 7
    assert clamped_kv.attends_to.tolist() == [3, 4, 3, 3, 4]
    assert not clamped_kv.pending


def reading_of(clamped: ClampedTokens, backbone: Backbone, context: PooledContext) -> dict[bytes, LayerKV]:
    """What clamped tokens pass on, by a pass of their own."""
    clamped_kv = ClampedKV([clamped], {}, backbone, CONTEXT)
    backbone.decode(
        clamped.token_ids,
        torch.zeros(len(clamped), backbone.hidden_size),
        clamped_kv.pending_positions,
        backbone.decoder_masks(clamped_kv.pending_positions, CONTEXT, (clamped_kv.positions, clamped_kv.attends_to)),
        FrozenCache(context.slot.sequence, CONTEXT),
        extend=clamped_kv.extend,
    )
    return clamped_kv.computed


def test_one_read_serves_every_row_and_step(denoiser: ReferenceDenoiser) -> None:
    with denoiser.prefill(prompt(CONTEXT)) as context:
        stepper = denoiser.start(context, [with_hole(2), with_hole(5)], seeds=[0, 1], config=FLAT)
        first = stepper.step()
        stepper.replace(1, with_hole(4), np.array([0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11], np.int32))
        second = stepper.step()
        assert (first.token_positions, second.token_positions) == (7 + 2 + 5, 2 + 4)
        stepper.replace(1, with_hole(4, seed=9), np.full(11, -1, np.int32))
        assert stepper.step().token_positions == 7 + 2 + 4


def test_holes_at_other_places_need_a_read_of_their_own() -> None:
    ids = prompt(7)
    keys = {
        ClampedTokens.of_canvas(canvas(ids, holes), CPU).kv_key
        for holes in (range(3, 4), range(2, 3), range(0), range(7))
    }
    assert len(keys) == 4
