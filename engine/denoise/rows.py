"""Canvases on their way: what stands in them between two steps, and what one step's logits make of that.

Rows are worked on side by side, since tensors this small cost more to call than to compute; each decides for itself,
and nothing of one is read for another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from engine.canvas import Canvas, DenoiseConfig, Flags, HoleState, RowState
from engine.denoise import sampler
from engine.denoise.allowed import Choice, Choices, grouped
from engine.denoise.clamped import Clamped
from engine.denoise.noise import NoiseKeys, NoiseSource, signed
from engine.model.vocabulary import check_ids


@dataclass(slots=True, eq=False, kw_only=True)
class Row:
    """Tensors are [L] at the row's own length, or hold positions.

    seed: as an int64.
    clamped: the tokens that stay, read apart from the rest.
    free: bool, not clamped. places: int64, the free positions, F of them, which alone are computed in a step.
    hole_sizes: free positions of each run of them, in order.
    choices: of each free position, the ids that it may take.
    known_ids: int64, the canvas's own tokens. present_ids: int64, what stands there now, -1 where nothing does yet.
    signal: [F, H], what self-conditioning feeds the free positions: the expected embeddings of the last step, zero
    where there are none.
    argmax_ids: int64, the last step's reading, -1 where there is none. unchanged_steps: for how many steps the reading
    has stayed as it is. state: None before the first step.
    """

    seed: int
    clamped: Clamped
    free: Tensor
    places: Tensor
    hole_sizes: tuple[int, ...]
    choices: list[Choice]
    known_ids: Tensor
    present_ids: Tensor
    signal: Tensor
    argmax_ids: Tensor
    unchanged_steps: int = 0
    state: RowState | None = None

    @classmethod
    def of_canvas(cls, canvas: Canvas, seed: int, choices: Choices, *, no_signal: Tensor) -> Self:
        """A row before its first step. no_signal: [H], what self-conditioning feeds where there was no step yet.

        Raises:
            ValueError: the canvas holds an id outside the vocabulary, or a position has none to choose from.
        """
        check_ids(canvas.token_ids, choices.vocabulary_size)
        free = ~canvas.clamped
        places = np.flatnonzero(free)
        ids = canvas.token_ids.astype(np.int64)
        present_ids = np.where(free & ~canvas.keep_start, -1, ids)
        device = choices.device
        return cls(
            seed=signed(seed),
            clamped=Clamped.of_canvas(canvas, device),
            free=torch.from_numpy(free).to(device),
            places=torch.from_numpy(places).to(device),
            hole_sizes=_run_lengths(free),
            choices=choices.of_canvas(canvas),
            known_ids=torch.from_numpy(ids).to(device),
            present_ids=torch.from_numpy(present_ids).to(device),
            signal=no_signal.expand(len(places), -1),
            argmax_ids=torch.full((len(ids),), -1, device=device),
        )

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


class Rows:
    """Rows side by side, padded to one length: R rows of L positions, N of them free, which are counted row by row."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self._free = _padded([row.free for row in rows])
        self._known_ids = _padded([row.known_ids for row in rows])
        counts = torch.tensor([len(row.places) for row in rows])
        seeds = torch.tensor([row.seed for row in rows]).repeat_interleave(counts)
        self._seeds = seeds.to(self._free.device)
        self._positions = torch.cat([row.places for row in rows])
        self._choices = grouped((choice for row in rows for choice in row.choices), self._free.device)

    def fill(self, noise: NoiseSource, step: int) -> None:
        """Puts noise where nothing stands yet. `step` keys it."""
        present_ids = _padded([row.present_ids for row in self._rows])
        random_ids = self._with_free(self._random_ids(noise.start, step))
        self._put(torch.where(present_ids < 0, random_ids, present_ids))

    def ban(self, logits: Tensor) -> None:
        """Makes ids impossible where they may not stand. logits: [N, V]."""
        for numbers, choice in self._choices:
            logits[numbers[:, None], choice.banned] = sampler.IMPOSSIBLE

    def advance(self, believed: sampler.Posterior, step: int, config: DenoiseConfig, noise: NoiseSource) -> None:
        """One denoising step. believed: the posterior of the free positions, after temperature and bans."""
        previous = _padded([row.argmax_ids for row in self._rows])
        argmax_ids = self._with_free(believed.top_ids[:, 0])
        entropy = torch.zeros_like(self._free, dtype=believed.entropy.dtype)
        entropy.masked_scatter_(self._free, believed.entropy)

        sampled_ids = noise.sample(self._keys(step), believed.probs)
        accepted = sampler.accept_by_entropy(entropy, self._free, config.entropy_bound)
        sampled, random_ids = self._with_free(sampled_ids), self._with_free(self._random_ids(noise.renoise, step))
        self._put(sampler.renoise(sampled, accepted, random_ids, self._free, self._known_ids))

        unchanged = sampler.unchanged(argmax_ids, previous, self._free).tolist()
        confident = sampler.confident(entropy, self._free, config.confidence_threshold).tolist()
        holes = iter(self._holes(believed))
        for i, row in enumerate(self._rows):
            row.argmax_ids = argmax_ids[i, : len(row)]
            row.unchanged_steps = row.unchanged_steps + 1 if unchanged[i] else 0
            row.state = RowState(
                holes=tuple(islice(holes, len(row.hole_sizes))),
                settled=confident[i] and row.unchanged_steps >= config.stability_threshold,
            )

    def _holes(self, believed: sampler.Posterior) -> list[HoleState]:
        """The rows' holes, in order."""
        entropy, top_log_probs = believed.entropy.cpu().numpy(), believed.top_log_probs.cpu().numpy()
        top_ids = believed.top_ids.int().cpu().numpy()
        ends = np.cumsum([size for row in self._rows for size in row.hole_sizes])
        runs = [slice(begin, end) for begin, end in zip([0, *ends], ends, strict=False)]
        return [
            HoleState(
                argmax_ids=top_ids[run, 0],
                entropy=entropy[run],
                top_ids=top_ids[run],
                top_log_probs=top_log_probs[run],
            )
            for run in runs
        ]

    def _put(self, present_ids: Tensor) -> None:
        for row, own in zip(self._rows, present_ids, strict=True):
            row.present_ids = own[: len(row)]

    def _with_free(self, ids: Tensor) -> Tensor:
        """The known tokens with these [N] at the free positions, [R, L]."""
        return self._known_ids.masked_scatter(self._free, ids)

    def _random_ids(self, draw: Callable[[NoiseKeys, int], Tensor], step: int) -> Tensor:
        """A random id that may stand for every free position, [N] int64."""
        random_ids = torch.empty_like(self._positions)
        keys = self._keys(step)
        for numbers, choice in self._choices:
            own = NoiseKeys(seeds=keys.seeds[numbers], positions=keys.positions[numbers], step=step)
            random_ids[numbers] = choice.allowed[draw(own, len(choice.allowed))]
        return random_ids

    def _keys(self, step: int) -> NoiseKeys:
        return NoiseKeys(seeds=self._seeds, positions=self._positions, step=step)


def _padded(rows: Sequence[Tensor]) -> Tensor:
    """Rows [L_row] of one batch, [R, L], zero behind their ends."""
    return pad_sequence(list(rows), batch_first=True)


def _run_lengths(flags: Flags) -> tuple[int, ...]:
    """Lengths of the runs of True, in order."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return tuple(np.diff(edges)[::2].tolist())
