"""A reused, extended, rewound or copied context equals a prompt encoded at one go, and the pool keeps its books."""

# torch and transformers annotate themselves in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from engine.canvas import DenoiseConfig, ScoreQuery, TokenIds
from engine.errors import ContextTooLongError
from engine.kv.cache import KeyValues
from engine.kv.pool import PooledContext
from engine.model.backbone import Backbone
from engine.reference import ReferenceDenoiser
from tests.checkpoints import WINDOW
from tests.unit.engine.canvases import canvas, prompt

LONG = prompt(5 * WINDOW)
CANVAS = canvas(prompt(10, seed=9), range(3, 8), keep_start=True)
# Nats and key units: chunks and reuse change the order of float32 reductions.
TOLERANCE = 1e-4


def branch(shared: int, length: int) -> TokenIds:
    """A prompt of `length` tokens that leaves LONG after `shared` of them."""
    tail = (LONG[shared:length] + 1) % 90
    return np.concatenate([LONG[:shared], tail]).astype(np.int32)


def assert_equals_one_shot(backbone: Backbone, denoiser: ReferenceDenoiser, context: PooledContext) -> None:
    """Keys, a denoising step and scores are those of a fresh pool that encodes the same tokens at one go."""
    fresh = ReferenceDenoiser(backbone, context_tokens=256)
    rows = [ScoreQuery(token_ids=prompt(7, seed=8))]
    with fresh.prefill(context.slot.token_ids[: context.token_count]) as expected:
        for ours, theirs in zip(context.slot.sequence.keys, expected.slot.sequence.keys, strict=True):
            length = context.token_count
            torch.testing.assert_close(ours[:, :, :length], theirs[:, :, :length], atol=TOLERANCE, rtol=0)
        left, right = (
            own.start(at, [CANVAS], seeds=[3], config=DenoiseConfig()).step().rows[0]
            for own, at in ((denoiser, context), (fresh, expected))
        )
        for hole, same in zip(left.holes, right.holes, strict=True):
            np.testing.assert_array_equal(hole.argmax_ids, same.argmax_ids)
            np.testing.assert_allclose(hole.top_log_probs, same.top_log_probs, atol=TOLERANCE)
        [scores], [others] = denoiser.reader(context).read(rows), fresh.reader(expected).read(rows)
        np.testing.assert_allclose(scores.log_probs, others.log_probs, atol=TOLERANCE)


@pytest.mark.parametrize(
    ("first", "second", "cached"),
    [
        pytest.param(LONG, LONG, len(LONG), id="the same"),
        pytest.param(LONG[:20], LONG, 20, id="extended"),
        pytest.param(LONG[: WINDOW - 3], LONG[:30], WINDOW - 3, id="extended past the window"),
        pytest.param(LONG, LONG[:25], 25, id="a beginning"),
        pytest.param(LONG, branch(25, 38), 25, id="rewound and extended"),
        pytest.param(LONG, branch(5, 38), 5, id="a short beginning, copied"),
        pytest.param(LONG, branch(0, 12), 0, id="nothing shared"),
    ],
)
def test_second_prompt_equals_one_shot(backbone: Backbone, first: TokenIds, second: TokenIds, cached: int) -> None:
    denoiser = ReferenceDenoiser(backbone, context_tokens=256)
    denoiser.prefill(first).release()
    with denoiser.prefill(second) as context:
        assert (context.token_count, context.cached_count) == (len(second), cached)
        assert_equals_one_shot(backbone, denoiser, context)


@pytest.mark.parametrize("chunk", [1, WINDOW - 1, WINDOW, 17])
def test_chunked_prefill_equals_one_shot(backbone: Backbone, chunk: int) -> None:
    denoiser = ReferenceDenoiser(backbone, context_tokens=64, chunk=chunk)
    with denoiser.prefill(LONG) as context:
        assert_equals_one_shot(backbone, denoiser, context)


@pytest.mark.parametrize(
    "between", [LONG, branch(20, 40), branch(3, 40), prompt(30, seed=5)], ids=["extends", "branches", "leaves", "other"]
)
def test_a_context_in_use_is_not_disturbed(backbone: Backbone, between: TokenIds) -> None:
    """Another request runs between two steps; extending the slot moves its buffers."""
    denoiser = ReferenceDenoiser(backbone, context_tokens=256)
    config = DenoiseConfig(max_denoising_steps=4)
    with denoiser.prefill(LONG[:30]) as context:
        undisturbed = denoiser.start(context, [CANVAS], seeds=[3], config=config)
        expected = [undisturbed.step().rows[0] for _ in range(3)]
        stepper = denoiser.start(context, [CANVAS], seeds=[3], config=config)
        rows = [stepper.step().rows[0]]
        for _ in range(2):
            with denoiser.prefill(between) as other:
                denoiser.start(other, [CANVAS], seeds=[4], config=config).step()
                rows.append(stepper.step().rows[0])
        assert_equals_one_shot(backbone, denoiser, context)
    for row, same in zip(rows, expected, strict=True):
        for hole, other in zip(row.holes, same.holes, strict=True):
            np.testing.assert_array_equal(hole.argmax_ids, other.argmax_ids)
            np.testing.assert_allclose(hole.entropy, other.entropy, atol=TOLERANCE)


def test_scoring_leaves_nothing_in_the_pool(backbone: Backbone) -> None:
    denoiser = ReferenceDenoiser(backbone, context_tokens=64)
    with denoiser.prefill(LONG[:12]) as context:
        before = [keys[:, :, :12].clone() for keys in context.slot.sequence.keys]
        reader = denoiser.reader(context)
        reader.read([ScoreQuery(token_ids=LONG[12:20]), ScoreQuery(token_ids=LONG[12:14])])
        assert denoiser.pool.held == 12
        for keys, same in zip(context.slot.sequence.keys, before, strict=True):
            assert torch.equal(keys[:, :, :12], same)
        assert reader.read([]) == ()


class TestBudget:
    """A pool of 64 tokens; prompts of unrelated documents are told apart by their seed."""

    @pytest.fixture
    def denoiser(self, backbone: Backbone) -> ReferenceDenoiser:
        return ReferenceDenoiser(backbone, context_tokens=64)

    @pytest.fixture
    def cached(self, denoiser: ReferenceDenoiser) -> Callable[[TokenIds], int]:
        """Prefills, releases, and says how much was reused."""

        def prefill(token_ids: TokenIds) -> int:
            with denoiser.prefill(token_ids) as context:
                return context.cached_count

        return prefill

    def test_too_long_names_both_numbers(self, denoiser: ReferenceDenoiser) -> None:
        assert denoiser.max_context_tokens == 64
        with pytest.raises(ContextTooLongError, match=r"65 tokens.*holds 64"):
            denoiser.prefill(prompt(65))

    def test_what_is_in_use_stays_and_limits_others(self, denoiser: ReferenceDenoiser) -> None:
        with denoiser.prefill(prompt(40, seed=1)) as context:
            with pytest.raises(ContextTooLongError, match=r"30 tokens.*40 are in use"):
                denoiser.prefill(prompt(30, seed=2))
            assert context.token_count == 40
        denoiser.prefill(prompt(30, seed=2)).release()
        assert denoiser.pool.held == 30

    def test_the_least_recently_used_goes_first(self, cached: Callable[[TokenIds], int]) -> None:
        first, second, third = (prompt(30, seed=seed) for seed in (1, 2, 3))
        assert [cached(first), cached(second), cached(first), cached(third)] == [0, 0, 30, 0]
        assert cached(first) == 30
        assert cached(second) == 0

    def test_two_documents_with_one_beginning_keep_a_slot_each(self, cached: Callable[[TokenIds], int]) -> None:
        one, other = LONG[:30], branch(4, 30)
        assert [cached(one), cached(other), cached(one), cached(other)] == [0, 4, 30, 30]

    def test_without_room_for_both_the_slot_is_taken_over(
        self, denoiser: ReferenceDenoiser, cached: Callable[[TokenIds], int]
    ) -> None:
        assert [cached(LONG[:40]), cached(branch(4, 40))] == [0, 4]
        assert denoiser.pool.held == 40

    def test_an_extension_evicts_others_but_never_itself(self, cached: Callable[[TokenIds], int]) -> None:
        assert [cached(prompt(30, seed=1)), cached(LONG[:30]), cached(LONG[:40])] == [0, 0, 30]
        assert cached(LONG[:40]) == 40
        assert cached(prompt(24, seed=1)) == 0


def test_buffers_hold_no_more_than_the_budget(backbone: Backbone, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prompts of all lengths, which share all lengths with one another, one of them in use meanwhile."""
    monkeypatch.setattr(backbone, "encode", Mock())
    denoiser = ReferenceDenoiser(backbone, context_tokens=512)
    random = np.random.default_rng(0)
    longest = prompt(400)
    for number in range(100):
        shared, length = sorted(random.integers(1, 400, 2))
        token_ids = np.concatenate([longest[:shared], prompt(length - shared, seed=number)])
        with denoiser.prefill(token_ids), denoiser.prefill(longest[: random.integers(1, 100)]):
            slots = denoiser.pool._slots  # pyright: ignore[reportPrivateUsage]
            assert sum(slot.sequence.capacity for slot in slots) <= denoiser.pool.budget


@pytest.mark.parametrize(("documents", "moves"), [(1, 1), (2, 3), (3, 6)])
def test_documents_that_grow_line_by_line_seldom_move(
    backbone: Backbone, monkeypatch: pytest.MonkeyPatch, documents: int, moves: int
) -> None:
    """From 40 tokens to 150, three at a time, in turn. A document's first buffers count as a move, too."""
    monkeypatch.setattr(backbone, "encode", Mock())
    resize = KeyValues._resize  # pyright: ignore[reportPrivateUsage]
    counted: list[int] = []

    def counting(sequence: KeyValues, length: int) -> None:
        counted.append(length)
        resize(sequence, length)

    monkeypatch.setattr(KeyValues, "_resize", counting)
    denoiser = ReferenceDenoiser(backbone, context_tokens=512)
    for length in range(40, 151, 3):
        for document in range(documents):
            denoiser.prefill(prompt(150, seed=document)[:length]).release()
    assert len(counted) <= moves


def test_a_smaller_budget_takes_the_room_of_what_is_in_use(backbone: Backbone) -> None:
    denoiser = ReferenceDenoiser(backbone, context_tokens=256)
    with denoiser.prefill(LONG) as context:
        denoiser.shrink(128)
        assert context.slot.sequence.capacity == len(LONG)
        assert_equals_one_shot(backbone, denoiser, context)


def test_a_failed_prefill_leaves_a_usable_pool(backbone: Backbone, monkeypatch: pytest.MonkeyPatch) -> None:
    denoiser = ReferenceDenoiser(backbone, context_tokens=64, chunk=10)
    encode = backbone.encode

    def fail_late(*arguments: object) -> torch.Tensor:
        if arguments[-1] == 20:
            raise MemoryError
        return encode(*arguments)  # pyright: ignore[reportArgumentType]

    with monkeypatch.context() as patch:
        patch.setattr(backbone, "encode", fail_late)
        with pytest.raises(MemoryError):
            denoiser.prefill(LONG)
    with denoiser.prefill(LONG) as context:
        assert context.cached_count == 20
        assert_equals_one_shot(backbone, denoiser, context)


def test_a_released_context_is_refused(denoiser: ReferenceDenoiser) -> None:
    context = denoiser.prefill(LONG)
    context.release()
    context.release()
    with pytest.raises(ValueError, match="released"):
        denoiser.reader(context)


def test_an_empty_prompt_is_refused(denoiser: ReferenceDenoiser) -> None:
    with pytest.raises(ValueError, match="at least one token"):
        denoiser.prefill(LONG[:0])
