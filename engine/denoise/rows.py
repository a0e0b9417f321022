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

from engine.canvas import Canvas, DenoiseConfig, Flags, Floats, HoleState, RowState, TokenIds
from engine.denoise import sampler
from engine.denoise.allowed import Choice, Choices, choices_in
from engine.denoise.clamped import ClampedTokens
from engine.denoise.noise import NoiseKeys, NoiseSource, signed
from engine.model.vocabulary import check_ids
from engine.token_set import TokenSet


@dataclass(slots=True, eq=False, kw_only=True)
class Row:
    """A canvas under way. Tensors are [L] at the row's own length, or hold positions or numbers.

    seed: as an int64.
    clamped: the clamped tokens where they are read once, apart from the rest; None where every step computes them.
    free: bool, not clamped. positions: int64, the free ones, F of them. hole_sizes: of each run of them, in order.
    computed: int64, the positions that a step computes, P of them. free_numbers, clamped_numbers: int64, which of
    these are free and which are clamped.
    choices: of each free position, the ids that it may take.
    known_ids: int64, the canvas's own tokens. present_ids: int64, what stands there now, -1 where nothing does yet.
    signal: [P, H], what self-conditioning feeds, zero where nothing was believed yet.
    argmax_ids: int64, the last step's reading, -1 where there is none. unchanged_steps: for how many steps the reading
    has stayed as it is. state: None before the first step.
    """

    seed: int
    clamped: ClampedTokens | None
    free: Tensor
    positions: Tensor
    hole_sizes: tuple[int, ...]
    computed: Tensor
    free_numbers: Tensor
    clamped_numbers: Tensor
    choices: list[Choice]
    known_ids: Tensor
    present_ids: Tensor
    signal: Tensor
    argmax_ids: Tensor
    unchanged_steps: int = 0
    state: RowState | None = None

    @classmethod
    def of_canvas(
        cls,
        canvas: Canvas,
        seed: int,
        banned: TokenSet,
        choices: Choices,
        *,
        no_signal: Tensor,
        read_once: bool,
    ) -> Self:
        """A row before its first step. no_signal: [H], what self-conditioning feeds where there was no step yet.
        read_once: its clamped tokens.

        Raises:
            ValueError: the canvas holds an id outside the vocabulary, or a position has none to choose from.
        """
        check_ids(canvas.token_ids, choices.vocabulary_size)
        own = choices_in(canvas, banned)
        for choice in set(own):
            choices.of(choice)
        free = ~canvas.clamped
        positions = np.flatnonzero(free)
        computed = positions if read_once else np.arange(len(canvas))
        ids = canvas.token_ids.astype(np.int64)
        device = choices.device

        def there(array: NDArray[np.int64] | Flags) -> Tensor:
            return torch.as_tensor(array).to(device)

        return cls(
            seed=signed(seed),
            clamped=ClampedTokens.of_canvas(canvas, device) if read_once else None,
            free=there(free),
            positions=there(positions),
            hole_sizes=_run_lengths(free),
            computed=there(computed),
            free_numbers=there(np.flatnonzero(free[computed])),
            clamped_numbers=there(np.flatnonzero(~free[computed])),
            choices=own,
            known_ids=there(ids),
            present_ids=there(np.where(free & ~canvas.keep_start, -1, ids)),
            signal=no_signal.expand(len(computed), -1),
            argmax_ids=torch.full((len(ids),), -1, device=device),
        )

    def __len__(self) -> int:
        return len(self.free)

    @property
    def settled(self) -> bool:
        return self.state is not None and self.state.settled

    def feed(self, at_free: Tensor, at_clamped: Tensor) -> None:
        """Sets what self-conditioning feeds in the next step, [F, H] and [P - F, H]."""
        self.signal = torch.empty_like(self.signal, memory_format=torch.contiguous_format)
        self.signal[self.free_numbers] = at_free
        self.signal[self.clamped_numbers] = at_clamped

    def carry_from(self, old: Row, carried: NDArray[np.int32]) -> None:
        """Takes over what stood at the `carried` positions of another row (-1: nothing), and its self-conditioning.

        A free position that was clamped has no self-conditioning: nothing was believed of it.
        """
        source = torch.tensor(carried, dtype=torch.int64, device=self.free.device)
        taken = source >= 0
        source = source.clamp(min=0)
        self.present_ids = torch.where(taken & self.free, old.present_ids[source], self.present_ids)
        numbers = torch.full_like(old.known_ids, -1).index_copy_(
            0, old.computed, torch.arange(len(old.computed), device=source.device)
        )
        fed = taken & (numbers[source] >= 0) & (old.free[source] | ~self.free)
        signal = old.signal[numbers[source].clamp(min=0)[self.computed]] if len(old.computed) else self.signal
        self.signal = torch.where(fed[self.computed][:, None], signal, self.signal)


class Rows:
    """Rows side by side, padded to one length: R rows of L positions, N of them free, which are counted row by row."""

    def __init__(self, rows: Sequence[Row], choices: Choices) -> None:
        self.rows = rows
        self._free = _padded([row.free for row in rows])
        self._known_ids = _padded([row.known_ids for row in rows])
        seeds = np.repeat([row.seed for row in rows], [len(row.positions) for row in rows])
        self._seeds = torch.as_tensor(seeds).to(self._free.device)
        self._positions = torch.cat([row.positions for row in rows])
        self._choices = choices.grouped(choice for row in rows for choice in row.choices)

    def fill(self, noise: NoiseSource, step: int) -> None:
        """Puts noise where nothing stands yet. `step` keys it."""
        present_ids = _padded([row.present_ids for row in self.rows])
        random_ids = self._with_free(self._random_ids(noise.start, step))
        self._put(torch.where(present_ids < 0, random_ids, present_ids))

    def ban(self, logits: Tensor) -> None:
        """Makes ids impossible where they may not stand. logits: [N, V]."""
        for numbers, _, ids in self._choices:
            logits[numbers[:, None], ids.banned] = sampler.IMPOSSIBLE

    def advance(self, believed: sampler.Posterior, step: int, config: DenoiseConfig, noise: NoiseSource) -> Tensor:
        """One denoising step, all of it on the device. believed: the posterior of the free positions, after temperature
        and bans. Returns what `take` reads, one vector of int32."""
        previous = _padded([row.argmax_ids for row in self.rows])
        argmax_ids = self._with_free(believed.top_ids[:, 0])
        entropy = torch.zeros_like(self._free, dtype=believed.entropy.dtype)
        entropy.masked_scatter_(self._free, believed.entropy)

        sampled_ids = noise.sample(self._keys(step), believed.probs)
        accepted = sampler.accept_by_entropy(entropy, self._free, config.entropy_bound)
        sampled, random_ids = self._with_free(sampled_ids), self._with_free(self._random_ids(noise.renoise, step))
        self._put(sampler.renoise(sampled, accepted, random_ids, self._free, self._known_ids))
        for row, own in zip(self.rows, argmax_ids, strict=True):
            row.argmax_ids = own[: len(row)]

        unchanged = sampler.unchanged(argmax_ids, previous, self._free)
        confident = sampler.confident(entropy, self._free, config.confidence_threshold)
        floats = (believed.entropy, believed.top_log_probs)
        return torch.cat(
            [unchanged.int(), confident.int(), believed.top_ids.int().flatten()]
            + [each.flatten().view(torch.int32) for each in floats]
        )

    def take(self, result: NDArray[np.int32], config: DenoiseConfig) -> None:
        """Sets the rows' states from what `advance` returned, copied from the device."""
        count, free = len(self.rows), len(self._positions)
        top = (len(result) - 2 * count - free) // (2 * free) if free else 0
        unchanged, confident, top_ids, entropy, top_log_probs = np.split(
            result, np.cumsum([count, count, free * top, free])
        )
        holes = iter(
            self._holes(
                top_ids.reshape(free, top), entropy.view(np.float32), top_log_probs.view(np.float32).reshape(free, top)
            )
        )
        for row, same, sure in zip(self.rows, unchanged.tolist(), confident.tolist(), strict=True):
            row.unchanged_steps = row.unchanged_steps + 1 if same else 0
            row.state = RowState(
                holes=tuple(islice(holes, len(row.hole_sizes))),
                settled=bool(sure) and row.unchanged_steps >= config.stability_threshold,
            )

    def _holes(self, top_ids: TokenIds, entropy: Floats, top_log_probs: Floats) -> list[HoleState]:
        """The rows' holes, in order."""
        ends = np.cumsum([size for row in self.rows for size in row.hole_sizes])
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
        for row, own in zip(self.rows, present_ids, strict=True):
            row.present_ids = own[: len(row)]

    def _with_free(self, ids: Tensor) -> Tensor:
        """The known tokens with these [N] at the free positions, [R, L]."""
        return self._known_ids.masked_scatter(self._free, ids)

    def _random_ids(self, draw: Callable[[NoiseKeys, int], Tensor], step: int) -> Tensor:
        """A random id that may stand for every free position, [N] int64."""
        random_ids = torch.empty_like(self._positions)
        keys = self._keys(step)
        for numbers, _, ids in self._choices:
            own = NoiseKeys(seeds=keys.seeds[numbers], positions=keys.positions[numbers], step=step)
            random_ids[numbers] = ids.allowed[draw(own, len(ids.allowed))]
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
