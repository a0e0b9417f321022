"""The fast path against the reference: every bucket and way of clamping, contexts shorter and longer than the window,
after rewind, fork and extension."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from engine.canvas import BatchState, Canvas, DenoiseConfig, RowScores, RowState, ScoreQuery, TokenIds
from engine.cuda.denoiser import CudaDenoiser
from engine.cuda.programs.buckets import TOKENS
from engine.cuda.stepper import ProgramStepper
from engine.denoise.stepper import BatchStepper
from engine.model.backbone import Backbone
from engine.reference import ReferenceDenoiser
from engine.token_set import TokenSet
from tests.checkpoints import VOCABULARY, WINDOW
from tests.unit.engine.canvases import canvas, free_canvas, prompt
from tests.unit.engine.cuda.conftest import CONTEXT_TOKENS

CONFIG = DenoiseConfig(max_denoising_steps=4, entropy_bound=1.0)
WAYS = [
    replace(CONFIG, clamped="read_once"),
    *(replace(CONFIG, clamped_conditioning=conditioning) for conditioning in ("none", "token", "posterior")),
]
# Nats; float32 sums run in another order where keys lie elsewhere, and each step feeds the last one back.
TOLERANCE = 1e-3

CANVASES = [
    canvas(prompt(9, seed=1), range(3, 6)),
    canvas(prompt(11, seed=1), range(3, 8)),
    canvas(prompt(14, seed=2), range(2, 12)),
    free_canvas(5),
    canvas(prompt(20, seed=3), np.isin(np.arange(20), [2, 3, 9, 12]), keep_start=True),
    canvas(
        prompt(9, seed=1),
        range(3, 6),
        allowed=(*[None] * 3, TokenSet.of({1, 2, 3}), None, TokenSet.of({5}), *[None] * 3),
    ),
    canvas(prompt(6, seed=4), range(0)),
]


def seeds(rows: Sequence[Canvas]) -> range:
    return range(11, 11 + len(rows))


def assert_same_row(row: RowState, other: RowState) -> None:
    assert (row.settled, len(row.holes)) == (other.settled, len(other.holes))
    for hole, expected in zip(row.holes, other.holes, strict=True):
        np.testing.assert_array_equal(hole.argmax_ids, expected.argmax_ids)
        np.testing.assert_allclose(hole.entropy, expected.entropy, atol=TOLERANCE)
        np.testing.assert_allclose(hole.top_log_probs, expected.top_log_probs, atol=TOLERANCE)


def assert_same_steps(mine: ProgramStepper, other: BatchStepper, steps: int) -> list[BatchState]:
    """Steps both, and compares what is believed, and what stands in the canvases: which positions were accepted, what
    was drawn, and the noise."""
    states: list[BatchState] = []
    for _ in range(steps):
        state, expected = mine.step(), other.step()
        assert (state.step, state.token_positions) == (expected.step, expected.token_positions)
        for row, expected_row in zip(state.rows, expected.rows, strict=True):
            assert_same_row(row, expected_row)
        for row, expected_row in zip(mine.rows, other.rows, strict=True):
            np.testing.assert_array_equal(row.present_ids, expected_row.present_ids.numpy())
        states.append(state)
    return states


def assert_same_scores(found: Sequence[RowScores], expected: Sequence[RowScores]) -> None:
    for row, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(row.log_probs, other.log_probs, atol=TOLERANCE)
        np.testing.assert_array_equal(row.top_ids[:, 0], other.top_ids[:, 0])


@pytest.mark.parametrize("config", WAYS)
@pytest.mark.parametrize("prompt_length", [1, WINDOW, 5 * WINDOW])
def test_steps(fast: CudaDenoiser, reference: ReferenceDenoiser, config: DenoiseConfig, prompt_length: int) -> None:
    prompt_ids = prompt(prompt_length)
    with fast.prefill(prompt_ids) as context, reference.prefill(prompt_ids) as other:
        mine = fast.start(context, CANVASES, seeds=seeds(CANVASES), config=config)
        theirs = reference.start(other, CANVASES, seeds=seeds(CANVASES), config=config)
        assert_same_steps(mine, theirs, CONFIG.max_denoising_steps + 1)


@pytest.mark.parametrize("clamped", ["read_once", "every_step"])
@pytest.mark.parametrize("tokens", TOKENS)
def test_every_bucket(fast: CudaDenoiser, reference: ReferenceDenoiser, tokens: int, clamped: str) -> None:
    """A pass that fills it to the last token, then in `read_once` a smaller one with extra keys."""
    config = replace(CONFIG, clamped=clamped, max_denoising_steps=2)
    rows = [canvas(prompt(tokens // 2, seed), range(tokens // 4)) for seed in (1, 2)]
    prompt_ids = prompt(3 * WINDOW)
    with fast.prefill(prompt_ids) as context, reference.prefill(prompt_ids) as other:
        mine = fast.start(context, rows, seeds=[1, 2], config=config)
        theirs = reference.start(other, rows, seeds=[1, 2], config=config)
        assert assert_same_steps(mine, theirs, 2)[0].token_positions == tokens


@pytest.mark.parametrize("tokens", TOKENS)
def test_every_bucket_of_a_prompt(backbone: Backbone, tokens: int) -> None:
    """A prompt that fills it to the last token."""
    rows, prompt_ids = CANVASES[:2], prompt(tokens)
    fast = CudaDenoiser(backbone, context_tokens=TOKENS[-1])
    reference = ReferenceDenoiser(backbone, context_tokens=TOKENS[-1])
    with fast.prefill(prompt_ids) as context, reference.prefill(prompt_ids) as other:
        mine = fast.start(context, rows, seeds=[1, 2], config=WAYS[0])
        assert_same_steps(mine, reference.start(other, rows, seeds=[1, 2], config=WAYS[0]), 2)
        queries = [ScoreQuery(token_ids=prompt(5, seed=1))]
        assert_same_scores(fast.reader(context).read(queries), reference.reader(other).read(queries))


@pytest.mark.parametrize("config", WAYS)
def test_rows_that_need_several_passes(fast: CudaDenoiser, reference: ReferenceDenoiser, config: DenoiseConfig) -> None:
    rows = [canvas(prompt(length, length + 3), range(10, length - 10)) for length in (300, 250, 200, 700)]
    prompt_ids = prompt(WINDOW)
    with fast.prefill(prompt_ids) as context, reference.prefill(prompt_ids) as other:
        mine = fast.start(context, rows, seeds=seeds(rows), config=config)
        assert_same_steps(mine, reference.start(other, rows, seeds=seeds(rows), config=config), 2)


@pytest.mark.parametrize("config", WAYS)
def test_a_replaced_row(fast: CudaDenoiser, reference: ReferenceDenoiser, config: DenoiseConfig) -> None:
    longer, shorter = canvas(prompt(16, seed=2), range(2, 14)), canvas(prompt(7, seed=2), range(3, 5))
    grown = np.array([0, 1, 2, 3, -1, -1, *range(4, 14)], np.int32)
    prompt_ids = prompt(2 * WINDOW)
    with fast.prefill(prompt_ids) as context, reference.prefill(prompt_ids) as other:
        mine = fast.start(context, CANVASES, seeds=seeds(CANVASES), config=config)
        theirs = reference.start(other, CANVASES, seeds=seeds(CANVASES), config=config)
        assert_same_steps(mine, theirs, 1)
        for stepper in (mine, theirs):
            stepper.replace(2, longer, grown)
            stepper.replace(1, shorter, np.array([0, 1, 3, 4, 5, 9, 10], np.int32))
        assert_same_steps(mine, theirs, 1)
        for stepper in (mine, theirs):
            stepper.replace(2, shorter, np.arange(7, dtype=np.int32))
        assert_same_steps(mine, theirs, 2)


TURNS: list[tuple[str, TokenIds, int]] = [
    ("typed on", np.concatenate([prompt(40), prompt(9, seed=5)]), 40),
    ("rewound", np.concatenate([prompt(30), prompt(4, seed=6)]), 30),
    ("another document", prompt(60, seed=7), 0),
    ("back again", np.concatenate([prompt(30), prompt(4, seed=6), prompt(3, seed=8)]), 34),
    ("forked", np.concatenate([prompt(60, seed=7)[:25], prompt(50, seed=9)]), 25),
    ("extended", np.concatenate([prompt(60, seed=7), prompt(8, seed=10)]), 60),
]


def test_contexts_that_are_rewound_forked_and_extended(fast: CudaDenoiser, backbone: Backbone) -> None:
    """Each is compared with a prompt that is prefilled at once."""
    rows = CANVASES[:2]
    with fast.prefill(prompt(40)):
        pass
    for name, prompt_ids, cached in TURNS:
        fresh = ReferenceDenoiser(backbone, context_tokens=CONTEXT_TOKENS)
        with fast.prefill(prompt_ids) as context, fresh.prefill(prompt_ids) as other:
            assert (name, context.cached_count) == (name, cached)
            mine = fast.start(context, rows, seeds=[1, 2], config=WAYS[0])
            assert_same_steps(mine, fresh.start(other, rows, seeds=[1, 2], config=WAYS[0]), 2)


@pytest.mark.parametrize("prompt_length", [1, WINDOW, 5 * WINDOW])
def test_scores(fast: CudaDenoiser, reference: ReferenceDenoiser, prompt_length: int) -> None:
    """Also of rows that share prefixes with earlier ones, further behind the context than the window."""
    prompt_ids = prompt(prompt_length)
    first = [ScoreQuery(token_ids=prompt(length, seed)) for length, seed in ((3, 1), (2 * WINDOW, 1), (5, 2))]
    later = [ScoreQuery(token_ids=prompt(3 * WINDOW, 1), begin=WINDOW), ScoreQuery(token_ids=prompt(4, 2))]
    with fast.prefill(prompt_ids) as context, reference.prefill(prompt_ids) as other:
        mine, theirs = (
            fast.reader(context, banned_ids=TokenSet.of({7})),
            reference.reader(other, banned_ids=TokenSet.of({7})),
        )
        for queries in (first, later):
            assert_same_scores(mine.read(queries), theirs.read(queries))
            assert mine.token_positions == theirs.token_positions


def test_many_texts(fast: CudaDenoiser, reference: ReferenceDenoiser) -> None:
    """More than a bucket holds, then more that go on from them."""
    queries = [ScoreQuery(token_ids=prompt(10, seed)) for seed in range(70)]
    more = [ScoreQuery(token_ids=np.concatenate([prompt(10, seed), prompt(3, 99)])) for seed in range(70)]
    prompt_ids = prompt(WINDOW)
    with fast.prefill(prompt_ids) as context, reference.prefill(prompt_ids) as other:
        mine, theirs = fast.reader(context), reference.reader(other)
        for some in (queries, more):
            assert_same_scores(mine.read(some), theirs.read(some))


@pytest.mark.parametrize("config", WAYS)
def test_a_row_is_the_same_alone_and_in_any_batch(fast: CudaDenoiser, config: DenoiseConfig) -> None:
    with fast.prefill(prompt(3 * WINDOW)) as context:
        together = fast.start(context, CANVASES, seeds=seeds(CANVASES), config=config)
        alone = [
            fast.start(context, [row], seeds=[seed], config=config)
            for row, seed in zip(CANVASES, seeds(CANVASES), strict=True)
        ]
        for _ in range(CONFIG.max_denoising_steps):
            for row, stood, stepper in zip(together.step().rows, together.rows, alone, strict=True):
                assert_same_row(row, stepper.step().rows[0])
                np.testing.assert_array_equal(stood.present_ids, stepper.rows[0].present_ids)


def test_a_seed_reproduces_bit_for_bit_and_another_does_not(fast: CudaDenoiser) -> None:
    def drawn(seed: int) -> list[bytes]:
        with fast.prefill(prompt(3 * WINDOW)) as context:
            stepper = fast.start(context, CANVASES[:3], seeds=[seed, seed, seed], config=WAYS[0])
            found: list[bytes] = []
            for _ in range(CONFIG.max_denoising_steps):
                holes = [hole for row in stepper.step().rows for hole in row.holes]
                found += [hole.entropy.tobytes() + hole.top_ids.tobytes() for hole in holes]
                found += [row.present_ids.tobytes() for row in stepper.rows]
            return found

    assert drawn(3) == drawn(3) != drawn(4)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (canvas(np.array([1, VOCABULARY], np.int32), range(1)), "token ids must be in"),
        (canvas(np.array([1, 2], np.int32), range(1), allowed=(TokenSet.of({3}), None)), "only banned or unknown ids"),
    ],
)
def test_what_cannot_be_denoised_is_refused(fast: CudaDenoiser, wrong: Canvas, message: str) -> None:
    with fast.prefill(prompt(3)) as context, pytest.raises(ValueError, match=message):
        fast.start(context, [wrong], seeds=[0], config=replace(CONFIG, banned_ids=TokenSet.of({3})))
