"""One canvas on its way: what stands there between two steps, and what one step's logits make of it.

A row decides for itself: nothing here looks at another row of the batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine import sampler
from engine.canvas import Canvas, DenoiseConfig, RowState
from engine.noise import NoiseKeys, NoiseSource
from engine.permitted import Permitted, PermittedIds

TOP_IDS = 8
"""How many of the likeliest ids a `RowState` lists."""


@dataclass(slots=True, eq=False, kw_only=True)
class Row:
    """Tensors are [L] at the row's own length.

    free: bool, not clamped. known_ids: int64, the canvas's own tokens. present_ids: int64, what stands there now.
    choices: the free positions grouped by the ids they may take.
    posterior: [L, V], the last step's distributions; None before the first. conditioned: bool, where `posterior` is
    fed back. argmax_ids: int64, the last step's reading, -1 where there is none. unchanged_steps: for how many steps
    the reading has stayed as it is. state: None before the first step.
    """

    seed: int
    free: Tensor
    known_ids: Tensor
    present_ids: Tensor
    choices: list[tuple[Tensor, Permitted]]
    posterior: Tensor | None
    conditioned: Tensor
    argmax_ids: Tensor
    unchanged_steps: int = 0
    state: RowState | None = None

    @classmethod
    def start(cls, canvas: Canvas, seed: int, permitted: PermittedIds, noise: NoiseSource, *, step: int = 0) -> Self:
        """A row before its first step: known tokens, kept ones, and noise elsewhere. `step` keys the noise.

        Raises:
            ValueError: the canvas holds an id outside the vocabulary, or a position has no permitted one.
        """
        # Such an id would kill a CUDA context, and with it every other request.
        if canvas.token_ids.min() < 0 or canvas.token_ids.max() >= permitted.vocabulary_size:
            raise ValueError(f"a canvas's token ids must be in 0..{permitted.vocabulary_size - 1}")
        device = permitted.device
        known_ids = torch.tensor(canvas.token_ids, dtype=torch.int64, device=device)
        free = ~torch.tensor(canvas.clamped, device=device)
        noisy = free & ~torch.tensor(canvas.keep_start, device=device)
        row = cls(
            seed=seed,
            free=free,
            known_ids=known_ids,
            present_ids=known_ids,
            choices=permitted.of_canvas(canvas),
            posterior=None,
            conditioned=torch.zeros_like(free),
            argmax_ids=torch.full_like(known_ids, -1),
        )
        row.present_ids = torch.where(noisy, row._random_ids(noise.start, step), known_ids)
        return row

    def __len__(self) -> int:
        return len(self.free)

    @property
    def settled(self) -> bool:
        return self.state is not None and self.state.settled

    def carry_from(self, old: Row, carried: NDArray[np.int32]) -> None:
        """Takes over what stood at the `carried` positions of another row (-1: nothing), and its self-conditioning.

        Clamped positions keep their own token, but have the old one's self-conditioning.
        """
        source = torch.tensor(carried, dtype=torch.int64, device=self.free.device)
        taken = source >= 0
        source = source.clamp(min=0)
        self.present_ids = torch.where(taken & self.free, old.present_ids[source], self.present_ids)
        self.conditioned = taken & old.conditioned[source]
        if old.posterior is not None:
            self.posterior = old.posterior[source]

    def advance(self, logits: Tensor, step: int, config: DenoiseConfig, noise: NoiseSource) -> None:
        """One denoising step from the decoder's logits [L, V] float32, which are overwritten."""
        logits.div_(sampler.temperature(step, config))
        for positions, permitted in self.choices:
            logits[positions[:, None], permitted.barred] = sampler.IMPOSSIBLE
        believed = sampler.posterior(logits, min(TOP_IDS, logits.shape[-1]))
        argmax_ids = torch.where(self.free, believed.top_ids[:, 0], self.known_ids)
        present_nll = believed.log_total - logits.gather(-1, self.present_ids[:, None]).squeeze(-1)

        places = self.free.nonzero().squeeze(-1)
        sampled = self.known_ids.clone()
        sampled[places] = noise.sample(self._keys(places, step), believed.probs[places])
        if config.accept_probability is None:
            accepted = sampler.accept_by_entropy(believed.entropy, self.free, config.entropy_bound)
        else:
            sampled_probs = believed.probs.gather(-1, sampled[:, None]).squeeze(-1)
            accepted = sampler.accept_by_probability(sampled_probs, self.free, config.accept_probability)
        random_ids = self._random_ids(noise.renoise, step)
        self.present_ids = sampler.renoise(sampled, accepted, random_ids, self.free, self.known_ids)

        same = bool(sampler.unchanged(argmax_ids, self.argmax_ids, self.free))
        self.unchanged_steps = self.unchanged_steps + 1 if same else 0
        stable = self.unchanged_steps >= config.stability_threshold
        settled = stable and bool(sampler.confident(believed.entropy, self.free, config.confidence_threshold))
        self.posterior = believed.probs
        self.conditioned = torch.ones_like(self.free)
        self.argmax_ids = argmax_ids
        self.state = RowState(
            argmax_ids=argmax_ids.int().cpu().numpy(),
            entropy=believed.entropy.cpu().numpy(),
            present_nll=present_nll.cpu().numpy(),
            top_ids=believed.top_ids.int().cpu().numpy(),
            top_log_probs=believed.top_log_probs.cpu().numpy(),
            accepted=accepted.cpu().numpy(),
            settled=settled,
        )

    def _random_ids(self, draw: Callable[[NoiseKeys, int], Tensor], step: int) -> Tensor:
        """A random permitted id at every free position, [L] int64; the known one elsewhere."""
        random_ids = self.known_ids.clone()
        for positions, permitted in self.choices:
            random_ids[positions] = permitted.ids[draw(self._keys(positions, step), len(permitted.ids))]
        return random_ids

    def _keys(self, positions: Tensor, step: int) -> NoiseKeys:
        return NoiseKeys(seed=self.seed, positions=positions, step=step)
