"""Canvases on their way, on the host: what stands in them between two steps, and what a step's beliefs make of that.

The rules are those of `engine.denoise.sampler`; only what they decide about is here, in numpy, since a copy from the
device has brought it anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.canvas import Canvas, DenoiseConfig, Flags, HoleState, RowState
from engine.cuda.programs.choices import ChoiceTable
from engine.cuda.programs.forward import NO_SIGNAL, of_token
from engine.cuda.programs.sampling import Believed
from engine.denoise import sampler
from engine.denoise.allowed import Choice, choices_in
from engine.denoise.clamped import ClampedTokens
from engine.denoise.noise import KeyedNoise, NoiseKeys, signed
from engine.model.vocabulary import check_ids

_NOISE = KeyedNoise()


@dataclass(slots=True, eq=False, kw_only=True)
class HostRow:
    """A canvas under way, [L] positions of which F are free.

    clamped: its clamped tokens where they are read once. free: [L]. positions: [F], the free ones. computed: [P], those
    that a step computes. choices: [F], what may stand there.
    known_ids: [L], the canvas's own tokens. present_ids: [L], what stands there now, -1 where nothing does yet.
    argmax_ids: [F], the last reading, -1 where there is none. unchanged_steps: for how many steps it has stayed.
    signals: [L], what is fed back at each position: which of `mean`, or as `programs.forward` has it. mean: [n, H], the
    mean embeddings of what the last step believed.
    """

    seed: int
    clamped: ClampedTokens | None
    free: Flags
    positions: NDArray[np.int64]
    computed: NDArray[np.int64]
    choices: list[Choice]
    known_ids: NDArray[np.int64]
    present_ids: NDArray[np.int64]
    argmax_ids: NDArray[np.int64]
    signals: NDArray[np.int64]
    mean: Tensor | None = None
    unchanged_steps: int = 0
    state: RowState | None = None

    @classmethod
    def of_canvas(cls, canvas: Canvas, seed: int, config: DenoiseConfig, table: ChoiceTable) -> Self:
        """A row before its first step.

        Raises:
            ValueError: the canvas holds an id outside the vocabulary, or a position has none to choose from.
        """
        check_ids(canvas.token_ids, table.vocabulary_size)
        free = ~canvas.clamped
        positions = np.flatnonzero(free)
        choices = choices_in(canvas, config.banned_ids)
        for choice in set(choices):
            table.ids(choice)
        read_once = config.clamped == "read_once"
        ids = canvas.token_ids.astype(np.int64)
        return cls(
            seed=signed(seed),
            clamped=ClampedTokens.of_canvas(canvas, torch.device("cpu")) if read_once else None,
            free=free,
            positions=positions,
            computed=positions if read_once else np.arange(len(canvas)),
            choices=choices,
            known_ids=ids,
            present_ids=np.where(free & ~canvas.keep_start, -1, ids),
            argmax_ids=np.full(len(positions), -1),
            signals=np.full(len(canvas), NO_SIGNAL),
        )

    def __len__(self) -> int:
        return len(self.free)

    @property
    def settled(self) -> bool:
        return self.state is not None and self.state.settled

    @property
    def clamped_computed(self) -> NDArray[np.int64]:
        """The clamped positions that a step computes."""
        return self.computed[~self.free[self.computed]]

    def carry_from(self, old: HostRow, carried: NDArray[np.int32]) -> None:
        """Takes over what stood at the `carried` positions of another row (-1: nothing), and what was fed back there.

        A free position that was clamped has nothing fed back: nothing was believed of it.
        """
        taken, source = carried >= 0, np.maximum(carried, 0)
        self.present_ids = np.where(taken & self.free, old.present_ids[source], self.present_ids)
        fed = np.zeros(len(self), np.bool_)
        fed[self.computed] = (taken & (old.free[source] | ~self.free))[self.computed]
        self.signals = np.where(fed, old.signals[source], NO_SIGNAL)
        if old.mean is not None:
            believed = self.signals >= 0
            self.mean = old.mean[torch.as_tensor(self.signals[believed]).to(old.mean.device)]
            self.signals[believed] = np.arange(len(self.mean))

    def feed(self, mean: Tensor, config: DenoiseConfig) -> None:
        """Sets what is fed back in the next step. mean: of the free positions, and behind them of the clamped ones that
        are computed where those are fed what was believed."""
        clamped = self.clamped_computed
        self.signals = np.full(len(self), NO_SIGNAL)
        self.signals[self.positions] = np.arange(len(self.positions))
        if config.clamped_conditioning == "token":
            self.signals[clamped] = of_token(self.known_ids[clamped])
        elif config.clamped_conditioning == "posterior":
            self.signals[clamped] = len(self.positions) + np.arange(len(clamped))
        self.mean = mean


def fill(rows: Sequence[HostRow], step: int, table: ChoiceTable) -> None:
    """Puts noise where nothing stands yet. `step` keys it."""
    empty = [row for row in rows if (row.present_ids < 0).any()]
    if not empty:
        return
    for row, ids in zip(empty, _split(_noise(empty, step, table, _NOISE.start), empty), strict=True):
        present = row.present_ids[row.positions]
        row.present_ids[row.positions] = np.where(present < 0, ids, present)


def draw_bits(rows: Sequence[HostRow], step: int) -> NDArray[np.int64]:
    """24 random bits for every free position, row by row."""
    return _NOISE.sample_bits(_keys(rows, step)).numpy()


def renoised(rows: Sequence[HostRow], step: int, table: ChoiceTable) -> NDArray[np.int64]:
    """What a free position becomes that is not accepted, row by row; depends on nothing that is believed."""
    return _noise(rows, step, table, _NOISE.renoise)


def advance(rows: Sequence[HostRow], believed: Believed, noise: NDArray[np.int64], config: DenoiseConfig) -> None:
    """One denoising step. believed: at the rows' free positions, row by row. noise: of `renoised`."""
    counts = [len(row.positions) for row in rows]
    free = np.arange(max(counts)) < np.array(counts)[:, None]

    def padded(values: NDArray[np.generic]) -> Tensor:
        """[R, F], zero behind a row's end."""
        own = np.zeros(free.shape, values.dtype)
        own[free] = values
        return torch.as_tensor(own)

    argmax_ids = believed.top_ids[:, 0].astype(np.int64)
    entropy, mask = padded(believed.entropy), torch.as_tensor(free)
    accepted = sampler.accept_by_entropy(entropy, mask, config.entropy_bound)
    previous = padded(np.concatenate([row.argmax_ids for row in rows]))
    unchanged: list[bool] = sampler.unchanged(padded(argmax_ids), previous, mask).numpy().tolist()
    confident: list[bool] = sampler.confident(entropy, mask, config.confidence_threshold).numpy().tolist()
    present = np.where(accepted.numpy()[free], believed.drawn_ids, noise)

    begins = np.cumsum([0, *counts[:-1]]).tolist()
    parts = zip(_split(present, rows), _split(argmax_ids, rows), begins, unchanged, confident, strict=True)
    for row, (own, read, begin, same, sure) in zip(rows, parts, strict=True):
        row.present_ids[row.positions] = own
        row.argmax_ids = read
        row.unchanged_steps = row.unchanged_steps + 1 if same else 0
        settled = sure and row.unchanged_steps >= config.stability_threshold
        row.state = RowState(holes=tuple(_holes(row, believed, begin)), settled=settled)


def _holes(row: HostRow, believed: Believed, begin: int) -> list[HoleState]:
    """A row's runs of free positions. begin: where its beliefs begin."""
    breaks = np.flatnonzero(np.diff(row.positions) > 1) + 1
    ends = [0, *breaks.tolist(), len(row.positions)]
    runs = [slice(begin + first, begin + last) for first, last in pairwise(ends) if last > first]
    return [
        HoleState(
            argmax_ids=believed.top_ids[run, 0],
            entropy=believed.entropy[run],
            top_ids=believed.top_ids[run],
            top_log_probs=believed.top_log_probs[run],
        )
        for run in runs
    ]


def _noise(
    rows: Sequence[HostRow], step: int, table: ChoiceTable, draw: Callable[[NoiseKeys, Tensor], Tensor]
) -> NDArray[np.int64]:
    """A random id that may stand for every free position, row by row."""
    choices = [choice for row in rows for choice in row.choices]
    ids = {choice: table.ids(choice) for choice in dict.fromkeys(choices)}
    counts = torch.tensor([len(ids[choice]) for choice in choices], dtype=torch.int64)
    numbers: list[int] = draw(_keys(rows, step), counts).numpy().tolist()
    return np.array([ids[choice][number] for choice, number in zip(choices, numbers, strict=True)], np.int64)


def _keys(rows: Sequence[HostRow], step: int) -> NoiseKeys:
    seeds = np.repeat(np.array([row.seed for row in rows], np.int64), [len(row.positions) for row in rows])
    positions = np.concatenate([row.positions for row in rows])
    return NoiseKeys(seeds=torch.as_tensor(seeds), positions=torch.as_tensor(positions), step=step)


def _split(values: NDArray[np.int64], rows: Sequence[HostRow]) -> list[NDArray[np.int64]]:
    """What belongs to each row's free positions."""
    return np.split(values, np.cumsum([len(row.positions) for row in rows])[:-1])
