"""One canvas on its way: what stands there between two steps, and what one step's logits make of it.

A row decides for itself: nothing here looks at another row of the batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine import sampler
from engine.canvas import Canvas, DenoiseConfig, RowState
from engine.noise import NoiseKeys, NoiseSource
from engine.permitted import Permitted, PermittedIds
from engine.surroundings import Clamped


@dataclass(slots=True, eq=False, kw_only=True)
class Row:
    """Tensors are [L] at the row's own length, or hold positions.

    clamped: the tokens that stay, read apart from the rest.
    free: bool, not clamped. places: int64, the free positions, F of them, which alone are computed in a step.
    known_ids: int64, the canvas's own tokens. present_ids: int64, what stands there now. choices: the free positions
    grouped by the ids they may take.
    signal: [F, H], what self-conditioning feeds them: the expected embeddings of the last step, zero where there are
    none.
    argmax_ids: int64, the last step's reading, -1 where there is none. unchanged_steps: for how many steps the reading
    has stayed as it is. state: None before the first step.
    """

    seed: int
    clamped: Clamped
    free: Tensor
    places: Tensor
    known_ids: Tensor
    present_ids: Tensor
    choices: list[tuple[Tensor, Permitted]]
    signal: Tensor
    argmax_ids: Tensor
    unchanged_steps: int = 0
    state: RowState | None = None

    @classmethod
    def start(
        cls,
        canvas: Canvas,
        seed: int,
        permitted: PermittedIds,
        noise: NoiseSource,
        *,
        no_signal: Tensor,
        step: int = 0,
    ) -> Self:
        """A row before its first step: known tokens, kept ones, and noise elsewhere. no_signal: [H], what
        self-conditioning feeds where there was no step yet. `step` keys the noise.

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
        places = np.flatnonzero(~canvas.clamped)
        row = cls(
            seed=seed,
            clamped=Clamped.of_canvas(canvas, device),
            free=free,
            places=torch.tensor(places, device=device),
            known_ids=known_ids,
            present_ids=known_ids,
            choices=permitted.of_canvas(canvas),
            signal=no_signal.expand(len(places), -1),
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

        A free position that was clamped has no self-conditioning: nothing was believed of it.
        """
        source = torch.tensor(carried, dtype=torch.int64, device=self.free.device)
        taken = source >= 0
        source = source.clamp(min=0)
        self.present_ids = torch.where(taken & self.free, old.present_ids[source], self.present_ids)
        number = torch.cumsum(old.free, dim=0) - 1
        fed = (taken & old.free[source])[self.places]
        carried_signal = old.signal[number[source[self.places[fed]]]]
        self.signal = self.signal.clone().index_put_((fed,), carried_signal)

    def bar(self, logits: Tensor) -> None:
        """Makes ids impossible where they may not stand. logits: [F, V], of the free positions."""
        for group, permitted in self.choices:
            logits[group[:, None], permitted.barred] = sampler.IMPOSSIBLE

    def advance(
        self, logits: Tensor, believed: sampler.Posterior, step: int, config: DenoiseConfig, noise: NoiseSource
    ) -> None:
        """One denoising step. logits: [F, V] float32, of the free positions, after temperature and bans; believed: what
        follows from them."""
        present_nll = believed.log_total - logits.gather(-1, self.present_ids[self.places, None]).squeeze(-1)
        argmax_ids = self._with_free(believed.top_ids[:, 0])
        entropy = torch.zeros(len(self), device=logits.device)
        entropy[self.places] = believed.entropy

        sampled = self._with_free(noise.sample(self._keys(self.places, step), believed.probs))
        if config.accept_probability is None:
            accepted = sampler.accept_by_entropy(entropy, self.free, config.entropy_bound)
        else:
            sampled_probs = torch.ones_like(entropy)
            sampled_probs[self.places] = believed.probs.gather(-1, sampled[self.places, None]).squeeze(-1)
            accepted = sampler.accept_by_probability(sampled_probs, self.free, config.accept_probability)
        random_ids = self._random_ids(noise.renoise, step)
        self.present_ids = sampler.renoise(sampled, accepted, random_ids, self.free, self.known_ids)

        same = bool(sampler.unchanged(argmax_ids, self.argmax_ids, self.free))
        self.unchanged_steps = self.unchanged_steps + 1 if same else 0
        stable = self.unchanged_steps >= config.stability_threshold
        settled = stable and bool(sampler.confident(entropy, self.free, config.confidence_threshold))
        self.argmax_ids = argmax_ids
        self.state = RowState(
            argmax_ids=argmax_ids.int().cpu().numpy(),
            entropy=self._spread(believed.entropy, np.nan),
            present_nll=self._spread(present_nll, np.nan),
            top_ids=self._spread(believed.top_ids.int(), -1),
            top_log_probs=self._spread(believed.top_log_probs, np.nan),
            accepted=accepted.cpu().numpy(),
            settled=settled,
        )

    def _with_free(self, ids: Tensor) -> Tensor:
        """The known tokens with these [F] at the free positions, [L]."""
        return self.known_ids.scatter(0, self.places, ids)

    def _spread(self, values: Tensor, absent: float) -> NDArray[Any]:
        """Values [F, ...] of the free positions at their places in the row, [L, ...]; `absent` elsewhere."""
        spread = np.full((len(self), *values.shape[1:]), absent, values.cpu().numpy().dtype)
        spread[self.places.cpu().numpy()] = values.cpu().numpy()
        return spread

    def _random_ids(self, draw: Callable[[NoiseKeys, int], Tensor], step: int) -> Tensor:
        """A random permitted id at every free position, [L] int64; the known one elsewhere."""
        random_ids = self.known_ids.clone()
        for group, permitted in self.choices:
            positions = self.places[group]
            random_ids[positions] = permitted.ids[draw(self._keys(positions, step), len(permitted.ids))]
        return random_ids

    def _keys(self, positions: Tensor, step: int) -> NoiseKeys:
        return NoiseKeys(seed=self.seed, positions=positions, step=step)
