"""One denoising step's decisions as pure tensor functions: temperature, entropy, accept, renoise, converged.

The clamp rule lives here: a clamped position gets its token back after every renoise, counts as accepted, spends none
of the entropy bound, and is left out of the mean entropy and of the test for stability. Nothing is remembered between
calls. Shapes: L positions of a row, V ids of the vocabulary, `...` any leading dimensions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.canvas import DenoiseConfig

IMPOSSIBLE = -1e4
"""Log weight of an id that may not stand. Its probability is exactly 0 in every float type, and unlike minus infinity
it leaves no NaN in p log p."""


@dataclass(frozen=True, slots=True)
class Posterior:
    """What the model believes at every position after temperature and bans.

    log_probs, probs: [..., V] float32. entropy: [...] nats.
    """

    log_probs: Tensor
    probs: Tensor
    entropy: Tensor


def temperature(step: int, config: DenoiseConfig) -> float:
    """Sampling temperature of denoising step `step` (from 1): falls linearly from `t_max` towards `t_min`."""
    remaining = config.max_denoising_steps - step + 1
    # Rounded like transformers' own ramp, a float32 tensor, so that the two agree to the last bit.
    ramp = np.float32(remaining) / np.float32(config.max_denoising_steps)
    return float(np.float32(config.t_min) + np.float32(config.t_max - config.t_min) * ramp)


def posterior(processed_logits: Tensor) -> Posterior:
    """Normalizes logits [..., V] that already have their temperature and bans."""
    log_probs = processed_logits.log_softmax(dim=-1)
    probs = processed_logits.softmax(dim=-1)
    return Posterior(log_probs, probs, -torch.linalg.vecdot(probs, log_probs))


def accept_by_entropy(entropy: Tensor, free: Tensor, bound: float) -> Tensor:
    """The k lowest-entropy free positions whose entropies sum, less the largest of them, to at most `bound`.

    entropy: [..., L] nats. free: [..., L] bool. Returns [..., L] bool; clamped positions count as accepted.
    Source: arXiv 2505.24857.
    """
    ordered, order = entropy.masked_fill(~free, torch.inf).sort(dim=-1)
    within = ordered.cumsum(dim=-1) - ordered <= bound
    return torch.zeros_like(free).scatter(-1, order, within) | ~free


def accept_by_probability(sampled_log_probs: Tensor, free: Tensor, probability: float) -> Tensor:
    """The free positions whose sampled token is at least this probable; clamped positions count as accepted.

    sampled_log_probs: [..., L] nats. free: [..., L] bool. Returns [..., L] bool.
    """
    return (sampled_log_probs.exp() >= probability) | ~free


def renoise(sampled: Tensor, accepted: Tensor, noise: Tensor, free: Tensor, clamped_ids: Tensor) -> Tensor:
    """The next canvas [..., L] int64: sampled tokens where accepted, noise where not, the known token where clamped."""
    return torch.where(free, torch.where(accepted, sampled, noise), clamped_ids)


def unchanged(argmax_ids: Tensor, previous: Tensor, free: Tensor) -> Tensor:
    """[...] bool: the greedy reading of the free positions is what it was a step ago. Ids are [..., L]."""
    return ((argmax_ids == previous) | ~free).all(dim=-1)


def confident(entropy: Tensor, free: Tensor, threshold: float) -> Tensor:
    """[...] bool: the mean entropy (nats) of the free positions [..., L] is below `threshold`; true with none free."""
    count = free.sum(dim=-1).clamp(min=1)
    return (entropy * free).sum(dim=-1) / count < threshold
