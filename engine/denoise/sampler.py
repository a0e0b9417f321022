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
from torch.nn import functional

from engine.canvas import DenoiseConfig

IMPOSSIBLE = -1e4
"""Log weight of an id that may not stand. Its probability is exactly 0 in every float type, and unlike minus infinity
it leaves no NaN in p log p."""


_TILE = 64
"""Ids of which at first the likeliest alone is compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posterior:
    """What the model believes at every position, after temperature and bans.

    probs: [..., V] float32. entropy: [...] nats. top_ids: [..., k] int64 and top_log_probs: [..., k] nats, best first.
    """

    probs: Tensor
    entropy: Tensor
    top_ids: Tensor
    top_log_probs: Tensor


def temperature(step: int, config: DenoiseConfig) -> float:
    """Sampling temperature of denoising step `step` (from 1): falls linearly from `t_max` towards `t_min`, and stays
    where it is after `ramp_steps`."""
    remaining = max(config.ramp_steps - step + 1, 1)
    # Rounded like transformers' own ramp, a float32 tensor, so that the two agree to the last bit.
    ramp = np.float32(remaining) / np.float32(config.ramp_steps)
    return float(np.float32(config.t_min) + np.float32(config.t_max - config.t_min) * ramp)


def posterior(processed_logits: Tensor, top: int) -> Posterior:
    """Normalizes logits [..., V] that already have their temperature and bans, and finds the `top` likeliest ids."""
    top_logits, top_ids = likeliest(processed_logits, top)
    probs, log_total, entropy = normalized(processed_logits, top_ids[..., :1])
    return Posterior(
        probs=probs,
        entropy=entropy,
        top_ids=top_ids,
        top_log_probs=top_logits - log_total[..., None],
    )


def normalized(logits: Tensor, best: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The distributions [..., V] of logits, the logarithms of their summed exponentials [...], which turn a logit into
    a log-probability, and the entropies [...] in nats. best: the likeliest ids, [..., 1]."""
    probs = logits.softmax(dim=-1)
    # Read off the likeliest id, and the entropy off the mean logit: log-probabilities of the whole vocabulary would
    # cost two more passes over it.
    log_total = (logits.gather(-1, best) - probs.gather(-1, best).log()).squeeze(-1)
    entropy = log_total - (probs * logits).sum(dim=-1)
    return probs, log_total, entropy.clamp_(min=0.0)


def likeliest(logits: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` highest of logits [..., V] float32 and their ids, [..., count] both, best first and of equals the
    first, whatever rows share the call. torch's `topk` leaves open which of equals it takes, and on a card sorts whole
    rows where they are few."""
    if logits.shape[-1] <= count * _TILE:
        ids = _places(logits, torch.arange(logits.shape[-1], device=logits.device), count)
        return logits.gather(-1, ids), ids
    if rest := -logits.shape[-1] % _TILE:
        logits = functional.pad(logits, (0, rest), value=-torch.inf)
    # Whatever is among the `count` likeliest, its tile is among the `count` with the highest likeliest.
    highest = torch.unflatten(logits, -1, (-1, _TILE)).amax(dim=-1)
    tiles = _places(highest, torch.arange(highest.shape[-1], device=logits.device), count)
    ids = (tiles[..., None] * _TILE + torch.arange(_TILE, device=logits.device)).flatten(-2)
    logits = logits.gather(-1, ids)
    places = _places(logits, ids, count)
    return logits.gather(-1, places), ids.gather(-1, places)


def _places(values: Tensor, ids: Tensor, count: int) -> Tensor:
    """Where the `count` highest of values [..., n] float32 stand, best first and of equals the one with the lowest
    id."""
    bits = values.view(torch.int32)
    # As integers floats rise like their values, but for negative ones, which fall.
    rising = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    # No two are equal, so that there is one answer however it is found.
    return torch.sub(ids, rising, alpha=1 << 32).topk(count, dim=-1, largest=False).indices


def accept_by_entropy(entropy: Tensor, free: Tensor, bound: float) -> Tensor:
    """The k lowest-entropy free positions whose entropies sum, less the largest of them, to at most `bound`.

    entropy: [..., L] nats. free: [..., L] bool. Returns [..., L] bool; clamped positions count as accepted.
    Source: arXiv 2505.24857.
    """
    ordered, order = entropy.masked_fill(~free, torch.inf).sort(dim=-1, stable=True)
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
