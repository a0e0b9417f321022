"""The stepper: rows that do not feel each other, the clamp rule, edits between steps, constraints."""

# torch and transformers annotate themselves in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
import torch

from engine.canvas import BatchState, Canvas, DenoiseConfig, Floats, RowState, ScoreQuery
from engine.kv.cache import FrozenCache
from engine.kv.masks import TokenPositions
from engine.model.backbone import Backbone
from engine.reference import ReferenceDenoiser
from engine.token_set import TokenSet
from tests.checkpoints import VOCABULARY, WINDOW, make_model
from tests.unit.engine.canvases import backbone_of, canvas, free_canvas, prompt
from tests.unit.engine.transfers import waits

CONFIG = DenoiseConfig(max_denoising_steps=6, entropy_bound=1.0)
# Nats; float32 reductions run in another order when rows are packed together, and each step feeds the last one back.
TOLERANCE = 1e-3

WAYS = [
    replace(CONFIG, clamped="read_once"),
    *(replace(CONFIG, clamped_conditioning=conditioning) for conditioning in ("none", "token", "posterior")),
]

CANVASES = [
    canvas(prompt(9, seed=1), range(3, 6)),
    canvas(prompt(14, seed=2), range(2, 12)),
    free_canvas(5),
    canvas(prompt(20, seed=3), range(8, 12), keep_start=True),
    canvas(prompt(9, seed=1), range(3, 6)),
]
SEEDS = [11, 12, 13, 14, 15]


def run(
    denoiser: ReferenceDenoiser,
    canvases: Sequence[Canvas],
    seeds: Sequence[int],
    config: DenoiseConfig = CONFIG,
    prompt_length: int = 3 * WINDOW,
) -> list[BatchState]:
    """Every state until nothing is left to run."""
    with denoiser.prefill(prompt(prompt_length)) as context:
        stepper = denoiser.start(context, canvases, seeds=seeds, config=config)
        states = [stepper.step()]
        while states[-1].step < config.max_denoising_steps and states[-1].token_positions:
            states.append(stepper.step())
    return states


def assert_same(row: RowState, other: RowState) -> None:
    assert row.settled == other.settled
    for hole, same in zip(row.holes, other.holes, strict=True):
        np.testing.assert_array_equal(hole.argmax_ids, same.argmax_ids)
        np.testing.assert_allclose(hole.entropy, same.entropy, atol=TOLERANCE)
        np.testing.assert_allclose(hole.top_log_probs, same.top_log_probs, atol=TOLERANCE)


def assert_identical(row: RowState, other: RowState) -> None:
    for hole, same in zip(row.holes, other.holes, strict=True):
        np.testing.assert_array_equal(hole.entropy, same.entropy)
        np.testing.assert_array_equal(hole.argmax_ids, same.argmax_ids)


def entropies(row: RowState) -> Floats:
    return np.concatenate([hole.entropy for hole in row.holes])


@pytest.mark.parametrize("prompt_length", [2, 3 * WINDOW])
@pytest.mark.parametrize("config", WAYS)
def test_a_row_is_the_same_alone_and_in_any_batch(
    denoiser: ReferenceDenoiser, config: DenoiseConfig, prompt_length: int
) -> None:
    """What is believed of it, and what stands in it: which positions were accepted, what was drawn, and the noise."""
    numbers = range(len(CANVASES))
    batches = [[number] for number in numbers] + [list(numbers), [2, 0, 3, 4, 1]]
    with denoiser.prefill(prompt(prompt_length)) as context:
        steppers = [
            denoiser.start(context, [CANVASES[i] for i in own], seeds=[SEEDS[i] for i in own], config=config)
            for own in batches
        ]
        for _ in range(config.max_denoising_steps):
            states = [stepper.step() for stepper in steppers]
            for own, state, stepper in list(zip(batches, states, steppers, strict=True))[len(numbers) :]:
                for place, number in enumerate(own):
                    assert_same(state.rows[place], states[number].rows[0])
                    assert torch.equal(stepper.rows[place].present_ids, steppers[number].rows[0].present_ids)


def test_the_same_seed_repeats_bit_for_bit_and_another_does_not(denoiser: ReferenceDenoiser) -> None:
    first, again = run(denoiser, CANVASES, SEEDS), run(denoiser, CANVASES, SEEDS)
    other = run(denoiser, CANVASES, [seed + 1 for seed in SEEDS])
    for state, repeated in zip(first, again, strict=True):
        for row, same in zip(state.rows, repeated.rows, strict=True):
            assert_identical(row, same)
    assert any(
        (entropies(row) != entropies(changed)).any() for row, changed in zip(first[0].rows, other[0].rows, strict=True)
    )


@pytest.mark.parametrize("clamped", ["every_step", "read_once"])
def test_clamped_tokens_never_change(clamped: Literal["every_step", "read_once"]) -> None:
    """1,000 random canvases on a very small model, each through two steps, warm starts among them."""
    vocabulary = 17
    model = make_model(
        vocab_size=vocabulary, hidden_size=8, num_hidden_layers=2, num_experts=4, top_k_experts=2,
        layer_types=["sliding_attention", "full_attention"],
    )  # fmt: skip
    denoiser = ReferenceDenoiser(backbone_of(model), context_tokens=64)
    random = np.random.default_rng(0)
    cases = 0
    while cases < 1000:
        batch = [
            canvas(
                random.integers(0, vocabulary, length).astype(np.int32),
                random.random(length) < random.random(),
                keep_start=bool(random.integers(2)),
            )
            for length in random.integers(1, 12, 50)
        ]
        config = DenoiseConfig(max_denoising_steps=2, clamped=clamped)
        with denoiser.prefill(prompt(int(random.integers(1, 20)), vocabulary=vocabulary)) as context:
            stepper = denoiser.start(context, batch, seeds=range(cases, cases + len(batch)), config=config)
            for _ in range(config.max_denoising_steps):
                state = stepper.step()
                for own, row, inner in zip(batch, state.rows, stepper.rows, strict=True):
                    held = own.clamped
                    np.testing.assert_array_equal(inner.present_ids.numpy()[held], own.token_ids[held])
                    assert sum(len(hole.argmax_ids) for hole in row.holes) == own.free_count
        cases += len(batch)


def test_clamped_positions_do_not_keep_a_row_from_settling(denoiser: ReferenceDenoiser) -> None:
    nothing_free = canvas(prompt(6), range(0))
    (state,) = run(denoiser, [nothing_free], [0], DenoiseConfig(max_denoising_steps=1))
    assert state.rows[0].settled
    assert state.rows[0].holes == ()


def test_a_settled_row_is_not_computed_again(denoiser: ReferenceDenoiser) -> None:
    with denoiser.prefill(prompt(5)) as context:
        stepper = denoiser.start(context, [canvas(prompt(6), range(0)), free_canvas(4)], seeds=[0, 1], config=CONFIG)
        first, second = stepper.step(), stepper.step()
    assert (first.token_positions, second.token_positions) == (10, 4)
    assert second.rows[0] is first.rows[0]


@pytest.mark.parametrize("config", WAYS)
def test_a_step_waits_for_the_device_once(
    denoiser: ReferenceDenoiser, config: DenoiseConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More rows than are read at once, and a second step, in which nothing is laid out anew."""
    rows = [canvas(prompt(120, seed=seed), range(10, 110)) for seed in range(6)]
    with denoiser.prefill(prompt(9)) as context:
        stepper = denoiser.start(context, rows, seeds=range(6), config=replace(config, confidence_threshold=1e-9))
        for _ in range(2):
            with waits(monkeypatch) as found:
                stepper.step()
            assert found == ["cpu"]


def test_the_last_step_is_the_last(denoiser: ReferenceDenoiser) -> None:
    config = DenoiseConfig(max_denoising_steps=2, confidence_threshold=1e-9)
    with denoiser.prefill(prompt(5)) as context:
        stepper = denoiser.start(context, [free_canvas(4)], seeds=[0], config=config)
        states = [stepper.step() for _ in range(3)]
        with pytest.raises(ValueError, match="after the last of 2"):
            stepper.replace(0, free_canvas(4), np.arange(4, dtype=np.int32))
    assert [state.step for state in states] == [1, 2, 2]
    assert [state.token_positions for state in states] == [4, 4, 0]
    assert states[2].rows[0] is states[1].rows[0]


def test_each_run_of_free_positions_is_a_hole(denoiser: ReferenceDenoiser) -> None:
    holes = np.isin(np.arange(12), [0, 2, 3, 6, 10, 11])
    (state,) = run(denoiser, [canvas(prompt(12, seed=5), holes)], [0], DenoiseConfig(max_denoising_steps=1))
    assert [len(hole.argmax_ids) for hole in state.rows[0].holes] == [1, 2, 1, 2]
    for hole in state.rows[0].holes:
        assert len(hole.entropy) == len(hole.top_ids) == len(hole.top_log_probs) == len(hole.argmax_ids)
        np.testing.assert_array_equal(hole.top_ids[:, 0], hole.argmax_ids)
        assert np.isfinite(hole.entropy).all()


class TestConstraints:
    BANNED = TokenSet.of(range(0, VOCABULARY, 2))
    ALLOWED = TokenSet.of({1, 3, 4})

    def test_hold_at_every_step(self, denoiser: ReferenceDenoiser) -> None:
        own = canvas(prompt(8), range(1, 7), allowed=(None, self.ALLOWED, None, None, None, None, self.ALLOWED, None))
        config = DenoiseConfig(max_denoising_steps=5, banned_ids=self.BANNED, entropy_bound=5.0)
        with denoiser.prefill(prompt(9)) as context:
            stepper = denoiser.start(context, [own, own], seeds=[1, 2], config=config)
            for _ in range(config.max_denoising_steps):
                for row, inner in zip(stepper.step().rows, stepper.rows, strict=True):
                    for ids in (row.holes[0].argmax_ids, inner.present_ids.numpy()[1:7]):
                        assert not len(self.BANNED & TokenSet.of(ids))
                        # 4 is allowed there, but banned everywhere.
                        assert {ids[0], ids[5]} <= {1, 3}

    def test_a_single_choice_is_certain(self, denoiser: ReferenceDenoiser) -> None:
        own = canvas(prompt(3), range(1, 2), allowed=(None, TokenSet.of({7}), None))
        (state,) = run(denoiser, [own], [0], DenoiseConfig(max_denoising_steps=1))
        [hole] = state.rows[0].holes
        assert (hole.argmax_ids.tolist(), hole.entropy.tolist()) == ([7], [0.0])

    def test_no_choice_is_refused(self, denoiser: ReferenceDenoiser) -> None:
        own = canvas(prompt(3), range(1, 2), allowed=(None, TokenSet.of({2}), None))
        with denoiser.prefill(prompt(3)) as context, pytest.raises(ValueError, match="banned or unknown"):
            denoiser.start(context, [own], seeds=[0], config=DenoiseConfig(banned_ids=self.BANNED))


class TestReplace:
    # One temperature throughout, so that a step's number changes only the noise.
    FLAT = DenoiseConfig(max_denoising_steps=6, t_max=0.8, t_min=0.8)

    def test_an_identical_canvas_changes_nothing_but_the_history(self, denoiser: ReferenceDenoiser) -> None:
        own = canvas(prompt(10), range(3, 7))
        with denoiser.prefill(prompt(9)) as context:
            left, right = (denoiser.start(context, [own], seeds=[5], config=self.FLAT) for _ in range(2))
            left.step()
            right.step()
            right.replace(0, own, np.arange(10, dtype=np.int32))
            expected, replaced = left.step().rows[0], right.step().rows[0]
        np.testing.assert_allclose(entropies(replaced), entropies(expected), atol=TOLERANCE)
        np.testing.assert_array_equal(replaced.holes[0].argmax_ids, expected.holes[0].argmax_ids)

    def test_nothing_carried_is_a_fresh_start(self, denoiser: ReferenceDenoiser) -> None:
        fresh = canvas(prompt(8, seed=6), range(2, 6), keep_start=True)
        with denoiser.prefill(prompt(9)) as context:
            stepper = denoiser.start(context, [canvas(prompt(10), range(3, 7))], seeds=[5], config=self.FLAT)
            stepper.step()
            stepper.replace(0, fresh, np.full(8, -1, dtype=np.int32))
            replaced = stepper.step().rows[0]
            expected = denoiser.start(context, [fresh], seeds=[5], config=self.FLAT).step().rows[0]
        np.testing.assert_allclose(entropies(replaced), entropies(expected), atol=TOLERANCE)
        np.testing.assert_array_equal(replaced.holes[0].argmax_ids, expected.holes[0].argmax_ids)

    def test_inserted_positions_carry_no_self_conditioning(self, backbone: Backbone) -> None:
        """Against a decoder pass whose self-conditioning is put together by hand."""
        before = canvas(prompt(6), range(2, 4), keep_start=True)
        after = canvas(np.insert(before.token_ids, 3, [8, 9]), range(2, 6), keep_start=True)
        carried = np.array([0, 1, 2, -1, -1, 3, 4, 5], dtype=np.int32)
        denoiser = ReferenceDenoiser(backbone, context_tokens=64)
        with denoiser.prefill(prompt(9)) as context, torch.inference_mode():
            stepper = denoiser.start(context, [before], seeds=[5], config=self.FLAT)

            def decode(own: Canvas, signal: torch.Tensor) -> torch.Tensor:
                places = TokenPositions.of_rows(9, [torch.arange(len(own))], backbone.device)
                masks = backbone.decoder_masks(places, 9)
                ids = torch.tensor(own.token_ids).long()
                hidden = backbone.decode(ids, signal, places, masks, FrozenCache(context.slot.sequence, 9))
                return backbone.logits(hidden) / 0.8

            stepper.step()
            first = decode(before, torch.zeros(6, backbone.hidden_size))
            soft = backbone.embed_distribution(first.softmax(dim=-1))
            # The clamped tokens' own embeddings stand for a distribution that is sure of them.
            soft[[0, 1, 4, 5]] = backbone.embed_tokens(torch.tensor(before.token_ids[[0, 1, 4, 5]]).long())
            signal = torch.zeros(8, backbone.hidden_size)
            signal[[0, 1, 2, 5, 6, 7]] = soft

            stepper.replace(0, after, carried)
            present = stepper.rows[0].present_ids
            row = stepper.step().rows[0]
            carried_on = replace(after, token_ids=present.int().numpy())
            expected = torch.distributions.Categorical(logits=decode(carried_on, signal)[2:6]).entropy()
        assert present.tolist()[3:5] == [8, 9]
        np.testing.assert_allclose(entropies(row), expected.numpy(), atol=TOLERANCE)

    def test_a_settled_row_that_is_replaced_runs_again(self, denoiser: ReferenceDenoiser) -> None:
        with denoiser.prefill(prompt(5)) as context:
            stepper = denoiser.start(context, [canvas(prompt(4), range(0))], seeds=[0], config=CONFIG)
            assert stepper.step().rows[0].settled
            stepper.replace(0, canvas(prompt(4), range(1, 3)), np.arange(4, dtype=np.int32))
            state = stepper.step()
        assert state.token_positions == 4
        assert not state.rows[0].settled

    @pytest.mark.parametrize("carried", [[0, 1], [0, 1, 4], [0, -2, 1]])
    def test_a_wrong_map_is_refused(self, denoiser: ReferenceDenoiser, carried: list[int]) -> None:
        with denoiser.prefill(prompt(5)) as context:
            stepper = denoiser.start(context, [free_canvas(4)], seeds=[0], config=CONFIG)
            with pytest.raises(ValueError, match="carried must map 3"):
                stepper.replace(0, free_canvas(3), np.array(carried, dtype=np.int32))


@pytest.mark.parametrize("bad", [-1, VOCABULARY])
def test_ids_outside_the_vocabulary_are_refused(denoiser: ReferenceDenoiser, bad: int) -> None:
    ids = np.array([1, bad], dtype=np.int32)
    with pytest.raises(ValueError, match="token ids"):
        denoiser.prefill(ids)
    with denoiser.prefill(prompt(3)) as context:
        with pytest.raises(ValueError, match="token ids"):
            denoiser.start(context, [canvas(ids, range(0))], seeds=[0], config=CONFIG)
        stepper = denoiser.start(context, [free_canvas(2)], seeds=[0], config=CONFIG)
        with pytest.raises(ValueError, match="token ids"):
            stepper.replace(0, canvas(ids, range(0)), np.array([0, 1], dtype=np.int32))
        with pytest.raises(ValueError, match="token ids"):
            denoiser.reader(context).read([ScoreQuery(token_ids=ids)])
