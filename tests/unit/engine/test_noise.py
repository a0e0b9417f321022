"""Keyed noise: the key decides and nothing else, and the draws are spread as they should be."""

# torch and transformers annotate themselves in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from engine.denoise.noise import KeyedNoise, NoiseKeys, signed

NOISE = KeyedNoise()
MANY = 20_000


def keys(positions: Tensor, *, seed: int = 1, step: int = 1) -> NoiseKeys:
    return NoiseKeys(seeds=torch.full_like(positions, signed(seed)), positions=positions, step=step)


def test_a_position_draws_the_same_beside_any_others() -> None:
    everywhere = NOISE.renoise(keys(torch.arange(50)), 1000)
    some = torch.tensor([31, 4, 17])
    assert torch.equal(NOISE.renoise(keys(some), 1000), everywhere[some])


@pytest.mark.parametrize("other", [keys(torch.arange(50), seed=2), keys(torch.arange(50), step=2)])
def test_another_key_is_another_draw(other: NoiseKeys) -> None:
    first = keys(torch.arange(50))
    for draw in (NOISE.start, NOISE.renoise):
        assert (draw(first, 1_000_000) == draw(other, 1_000_000)).sum() == 0
    assert (NOISE.start(first, 1_000_000) == NOISE.renoise(first, 1_000_000)).sum() == 0


@pytest.mark.parametrize("seed", [-1, 2**63 - 1, 2**64 + 5])
def test_any_integer_is_a_seed(seed: int) -> None:
    drawn = NOISE.start(keys(torch.arange(100), seed=seed), 7)
    assert drawn.min() >= 0
    assert drawn.max() <= 6


@pytest.mark.parametrize("count", [2, 7, 100])
def test_integers_are_uniform(count: int) -> None:
    drawn = NOISE.renoise(keys(torch.arange(MANY)), count)
    counts = torch.bincount(drawn, minlength=count).double()
    # Five standard deviations of a binomial count; the key is fixed, so the outcome is too.
    assert (counts - MANY / count).abs().max() < 5 * (MANY / count) ** 0.5


def test_large_counts_are_reached_to_the_end() -> None:
    drawn = NOISE.renoise(keys(torch.arange(MANY)), 262_144)
    assert drawn.max() > 262_100
    assert drawn.max() < 262_144


def test_samples_follow_the_probabilities() -> None:
    probs = torch.tensor([0.0, 0.6, 0.0, 0.3, 0.1, 0.0])
    drawn = NOISE.sample(keys(torch.arange(MANY)), probs.expand(MANY, -1))
    shares = torch.bincount(drawn, minlength=6) / MANY
    assert (shares[probs == 0] == 0).all()
    torch.testing.assert_close(shares, probs, atol=0.02, rtol=0)


def test_a_certain_token_is_always_drawn() -> None:
    for place in (0, 4):
        probs = torch.zeros(5)
        probs[place] = 1.0
        assert (NOISE.sample(keys(torch.arange(MANY)), probs.expand(MANY, -1)) == place).all()
