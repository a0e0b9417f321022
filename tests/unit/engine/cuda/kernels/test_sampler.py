"""The sampler's kernels in the interpreter, against the reference's sampler."""

# torch annotates itself in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.cuda.programs.choices import ChoiceTable
from engine.cuda.programs.sampling import Believed
from engine.denoise import sampler
from engine.denoise.allowed import ANYTHING, Choice
from engine.denoise.noise import drawn
from engine.token_set import NO_TOKENS, TokenSet
from tests.unit.engine.canvases import DEVICE
from tests.unit.engine.cuda.kernels.tensors import DTYPES, random, random_integers

pytest.importorskip("triton", reason="Triton is not installed")
from engine.cuda.kernels.sampler import TILE, believe, distributions

SOFTCAP = 30.0
TOP = 8
# Nats, of sums in another order.
TOLERANCE = 2e-5


def choices(size: int) -> list[Choice]:
    banned = TokenSet.of(range(0, size, 3))
    return [
        ANYTHING,
        Choice(banned),
        Choice(banned, TokenSet.of({1, size - 1})),
        Choice(NO_TOKENS, TokenSet.of({4})),
    ]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("count", "size"), [(4, 96), (5, TILE), (4, 3 * TILE + 41)])
def test_beliefs(count: int, size: int, dtype: torch.dtype) -> None:
    logits = (20 * random(count, size, seed=size)).to(dtype)
    table = ChoiceTable(size, DEVICE)
    own = [choices(size)[number % 4] for number in range(count)]
    numbers = torch.from_numpy(table.numbers(own)).to(DEVICE)
    bits = random_integers(2**24, count, seed=size)
    temperature = torch.tensor([0.6], dtype=torch.float64)
    result = torch.zeros(count, 2 + 2 * TOP, dtype=torch.int32)

    log_totals = believe(logits, table.words, numbers, temperature, bits, result, softcap=SOFTCAP)
    probs = distributions(logits, table.words, numbers, temperature, log_totals, softcap=SOFTCAP, dtype=torch.float32)

    processed = (logits.float() / SOFTCAP).tanh().mul(SOFTCAP).div(0.6)
    processed.masked_fill_(table.banned(numbers), sampler.IMPOSSIBLE)
    expected = sampler.posterior(processed, TOP)
    found = Believed.of_result(result.cpu().numpy())
    torch.testing.assert_close(probs, expected.probs, atol=1e-6, rtol=1e-4)
    np.testing.assert_allclose(found.entropy, expected.entropy.cpu(), atol=5 * TOLERANCE)
    np.testing.assert_allclose(found.top_log_probs, expected.top_log_probs.cpu(), atol=1e-3, rtol=1e-5)
    np.testing.assert_array_equal(found.top_ids[:, 0], expected.top_ids[:, 0].cpu())
    np.testing.assert_array_equal(found.drawn_ids, drawn(expected.probs, bits).cpu())


def test_the_likeliest_are_listed_best_first_and_of_equals_the_first() -> None:
    size = 2 * TILE + 7
    logits = torch.zeros(1, size)
    logits[0, [5, TILE + 3, 2 * TILE + 1]] = torch.tensor([3.0, 9.0, 3.0])
    found = beliefs_of(logits, bits=0)
    assert found.top_ids[0, :5].tolist() == [TILE + 3, 5, 2 * TILE + 1, 0, 1]


def beliefs_of(logits: torch.Tensor, *, bits: int, choice: Choice = ANYTHING) -> Believed:
    count, size = logits.shape
    table = ChoiceTable(size, DEVICE)
    result = torch.zeros(count, 2 + 2 * TOP, dtype=torch.int32)
    believe(
        logits,
        table.words,
        torch.from_numpy(table.numbers([choice] * count)).to(DEVICE),
        torch.ones(1, dtype=torch.float64),
        torch.full((count,), bits),
        result,
        softcap=SOFTCAP,
    )
    return Believed.of_result(result.cpu().numpy())


@pytest.mark.parametrize("bits", [0, 1, 2**23, 2**24 - 1])
def test_a_banned_id_is_never_drawn(bits: int) -> None:
    """However the draw falls: the allowed ids lie at a tile's ends, and whole tiles are banned."""
    size = 4 * TILE
    allowed = TokenSet.of({TILE, 2 * TILE - 1, 3 * TILE})
    logits = torch.full((1, size), 20.0)
    found = beliefs_of(logits, bits=bits, choice=Choice(NO_TOKENS, allowed))
    assert set(found.drawn_ids.tolist()) <= set(allowed)


def test_draws_follow_the_distribution_in_order() -> None:
    """Of three ids, in two tiles, with 1/2, 1/4 and 1/4 of the weight."""
    size = 2 * TILE
    choice = Choice(NO_TOKENS, TokenSet.of({3, 9, TILE + 2}))
    logits = torch.zeros(1, size)
    logits[0, 3] = SOFTCAP * float(np.arctanh(np.log(2.0) / SOFTCAP))
    found = [beliefs_of(logits, bits=int(share * 2**24), choice=choice).drawn_ids[0] for share in (0.1, 0.49, 0.6, 0.8)]
    assert found == [3, 3, 9, TILE + 2]


def test_a_row_is_the_same_alone_and_in_any_batch() -> None:
    logits = 5 * random(6, TILE + 100)
    together = beliefs_of(logits, bits=1 << 22)
    for number in range(6):
        alone = beliefs_of(logits[number : number + 1], bits=1 << 22)
        assert alone.drawn_ids[0] == together.drawn_ids[number]
        assert alone.entropy.tobytes() == together.entropy[number : number + 1].tobytes()
