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


@dataclass(frozen=True, slots=True, kw_only=True)
class Posterior:
    """What the model believes at every position, after temperature and bans.

    probs: [..., V] float32. entropy: [...] nats. top_ids: [..., k] int64 and top_log_probs: [..., k] nats, best first.
    log_total: [...], the logarithm of the summed exponentials, which turns a logit into a log-probability.
    """

    probs: Tensor
    entropy: Tensor
    top_ids: Tensor
    top_log_probs: Tensor
    log_total: Tensor


def temperature(step: int, config: DenoiseConfig) -> float:
    """Sampling temperature of denoising step `step` (from 1): falls linearly from `t_max` towards `t_min`, and stays
    where it is after `ramp_steps`."""
    remaining = max(config.ramp_steps - step + 1, 1)
    # Rounded like transformers' own ramp, a float32 tensor, so that the two agree to the last bit.
    ramp = np.float32(remaining) / np.float32(config.ramp_steps)
    return float(np.float32(config.t_min) + np.float32(config.t_max - config.t_min) * ramp)


def posterior(processed_logits: Tensor, top: int) -> Posterior:
    """Normalizes logits [..., V] that already have their temperature and bans, and finds the `top` likeliest ids."""
    probs = processed_logits.softmax(dim=-1)
    top_logits, top_ids = processed_logits.topk(top, dim=-1)
    # Read off the likeliest id, and the entropy off the mean logit: log-probabilities of the whole vocabulary would
    # cost two more passes over it.
    log_total = top_logits[..., 0] - probs.gather(-1, top_ids[..., :1]).squeeze(-1).log()
    entropy = log_total - (probs * processed_logits).sum(dim=-1)
    return Posterior(
        probs=probs,
        entropy=entropy.clamp_(min=0.0),
        top_ids=top_ids,
        top_log_probs=top_logits - log_total[..., None],
        log_total=log_total,
    )


def accept_by_entropy(entropy: Tensor, free: Tensor, bound: float) -> Tensor:
    """The k lowest-entropy free positions whose entropies sum, less the largest of them, to at most `bound`.

    entropy: [..., L] nats. free: [..., L] bool. Returns [..., L] bool; clamped positions count as accepted.
    Source: arXiv 2505.24857.
    """
    ordered, order = entropy.masked_fill(~free, torch.inf).sort(dim=-1)
    within = ordered.cumsum(dim=-1) - ordered <= bound
    return torch.zeros_like(free).scatter(-1, order, within) | ~free


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
