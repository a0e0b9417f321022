"""The sampler's decisions: transformers' where nothing is clamped, the clamp rule where something is."""

# torch and transformers annotate themselves in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers.models.diffusion_gemma.generation_diffusion_gemma import (
    EntropyBoundSampler,
    EntropyBoundSamplerConfig,
    LinearTemperatureScheduleLogitsProcessor,
    StableAndConfidentStoppingCriteria,
)

from engine.canvas import DenoiseConfig
from engine.denoise import sampler

ROWS, LENGTH, VOCABULARY = 4, 24, 50
ALL_FREE = torch.ones(ROWS, LENGTH, dtype=torch.bool)


def logits(seed: int) -> torch.Tensor:
    """Peaked to flat distributions, [ROWS, LENGTH, VOCABULARY]."""
    generator = torch.Generator().manual_seed(seed)
    sharpness = torch.rand(ROWS, LENGTH, 1, generator=generator) * 20
    return torch.randn(ROWS, LENGTH, VOCABULARY, generator=generator) * sharpness


def random_ids(seed: int) -> torch.LongTensor:
    return torch.LongTensor(np.random.default_rng(seed).integers(0, VOCABULARY, (ROWS, LENGTH)).tolist())


@pytest.mark.parametrize("step", [1, 7, 48])
def test_temperature_is_that_of_transformers(step: int) -> None:
    config = DenoiseConfig()
    raw = logits(step)
    schedule = LinearTemperatureScheduleLogitsProcessor(config.t_min, config.t_max, config.ramp_steps)
    # transformers counts the steps that remain.
    remaining = torch.tensor(config.ramp_steps - step + 1, dtype=torch.int32)
    expected = schedule(torch.zeros(1, dtype=torch.long), raw, cur_step=remaining)  # pyright: ignore[reportArgumentType]
    torch.testing.assert_close(raw / sampler.temperature(step, config), expected, atol=0, rtol=0)


def test_fewer_steps_leave_the_temperature_ramp_as_it_is() -> None:
    few = DenoiseConfig(ramp_steps=48, max_denoising_steps=4)
    assert [sampler.temperature(step, few) for step in range(1, 5)] == [
        sampler.temperature(step, DenoiseConfig()) for step in range(1, 5)
    ]
    beyond = DenoiseConfig(ramp_steps=2, max_denoising_steps=4)
    assert sampler.temperature(4, beyond) == sampler.temperature(2, beyond)


def test_posterior() -> None:
    believed = sampler.posterior(logits(0), 3)
    expected = torch.distributions.Categorical(logits=logits(0))
    torch.testing.assert_close(believed.probs, expected.probs, atol=1e-6, rtol=0)
    torch.testing.assert_close(believed.entropy, expected.entropy(), atol=2e-5, rtol=0)
    assert (believed.entropy >= 0).all()
    assert torch.equal(believed.top_ids[..., 0], logits(0).argmax(dim=-1))
    log_probs = logits(0).log_softmax(dim=-1)
    torch.testing.assert_close(believed.top_log_probs, log_probs.topk(3).values, atol=2e-5, rtol=0)
    _, log_total, _ = sampler.normalized(logits(0), believed.top_ids[..., :1])
    torch.testing.assert_close(logits(0) - log_total[..., None], log_probs, atol=2e-5, rtol=0)


@pytest.mark.parametrize("size", [1, 50, 64, 640, 1000, 8192])
@pytest.mark.parametrize("count", [1, 8, 16])
def test_of_equals_the_first_is_likeliest(size: int, count: int) -> None:
    """Logits of a few values, below 0 and above, in rows of each end; as torch's stable sort has it."""
    generator = torch.Generator().manual_seed(size)
    rough = torch.randint(-3, 4, (5, size), generator=generator).float() / 2
    rough[1:3, :-3] = -torch.inf
    rough[3] = sampler.IMPOSSIBLE
    count = min(count, size)
    values, ids = sampler.likeliest(rough, count)
    expected = rough.sort(dim=-1, descending=True, stable=True)
    torch.testing.assert_close(values, expected.values[:, :count], atol=0, rtol=0)
    assert torch.equal(ids, expected.indices[:, :count])
    for row in range(len(rough)):
        assert torch.equal(sampler.likeliest(rough[row : row + 1], count)[1][0], ids[row])


def test_an_impossible_id_leaves_no_trace() -> None:
    banned = logits(1)
    banned[..., 7] = sampler.IMPOSSIBLE
    believed = sampler.posterior(banned, 3)
    without = torch.cat([banned[..., :7], banned[..., 8:]], dim=-1)
    assert (believed.probs[..., 7] == 0).all()
    torch.testing.assert_close(
        believed.entropy, torch.distributions.Categorical(logits=without).entropy(), atol=2e-5, rtol=0
    )


@pytest.mark.parametrize("bound", [0.01, 0.1, 1.0, 8.0, 1e6])
@pytest.mark.parametrize("seed", range(4))
def test_accepts_and_renoises_as_transformers_does(bound: float, seed: int) -> None:
    processed = logits(seed)
    present, sampled = random_ids(0), random_ids(1)
    theirs = EntropyBoundSampler(EntropyBoundSamplerConfig(bound), LENGTH, VOCABULARY, 48)
    torch.manual_seed(seed)
    expected = theirs.renoise_canvas(theirs.accept_canvas(present, sampled, processed, cur_step=1), cur_step=1)

    accepted = sampler.accept_by_entropy(sampler.posterior(processed, 1).entropy, ALL_FREE, bound)
    torch.manual_seed(seed)
    noise = torch.randint(0, VOCABULARY, (ROWS, LENGTH))
    torch.testing.assert_close(accepted, theirs.accepted_token_mask)
    assert torch.equal(sampler.renoise(sampled, accepted, noise, ALL_FREE, present), expected)


@pytest.mark.parametrize("threshold", [0.5, 1.0, 2.0])
def test_confident_as_transformers_is(threshold: float) -> None:
    processed = logits(3) * torch.tensor([0.5, 1.0, 3.0, 30.0])[:, None, None]
    theirs = StableAndConfidentStoppingCriteria(stability_threshold=0, confidence_threshold=threshold)
    entropy = sampler.posterior(processed, 1).entropy
    expected = theirs(random_ids(0), processed)
    assert torch.equal(sampler.confident(entropy, ALL_FREE, threshold), expected)


def test_clamped_positions_spend_nothing_and_are_accepted() -> None:
    entropy = torch.tensor([0.0, 0.25, 9.0, 0.5, 0.75, 0.5])
    free = torch.tensor([True, True, False, True, True, False])
    # What comes before 0.5 sums to 0.25; what comes before 0.75 sums to 0.75.
    assert sampler.accept_by_entropy(entropy, free, 0.25).tolist() == [True, True, True, True, False, True]
    assert sampler.accept_by_entropy(entropy, free, 0.0).tolist() == [True, True, True, False, False, True]


def test_clamped_positions_get_their_token_back() -> None:
    sampled, noise, known = torch.tensor([1, 1, 1]), torch.tensor([2, 2, 2]), torch.tensor([3, 3, 3])
    accepted, free = torch.tensor([True, False, True]), torch.tensor([True, True, False])
    assert sampler.renoise(sampled, accepted, noise, free, known).tolist() == [1, 2, 3]


def test_only_free_positions_decide_when_to_stop() -> None:
    free = torch.tensor([True, False])
    before, now = torch.tensor([4, 5]), torch.tensor([4, 6])
    assert bool(sampler.unchanged(now, before, free))
    assert not bool(sampler.unchanged(now, before, ~free))
    assert bool(sampler.confident(torch.tensor([0.001, 5.0]), free, 0.005))
    assert not bool(sampler.confident(torch.tensor([0.001, 5.0]), ~free, 0.005))
    assert bool(sampler.confident(torch.tensor([5.0, 5.0]), torch.zeros(2, dtype=torch.bool), 0.005))
