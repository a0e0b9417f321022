"""Which ids a free position may take: all but the banned ones, or the few that its canvas allows there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.canvas import Canvas, Flags


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """The vocabulary split in two. allowed: [n] int64. banned: [m] int64."""

    allowed: Tensor
    banned: Tensor


def grouped(choices: Iterable[Choice], device: torch.device) -> list[tuple[Tensor, Choice]]:
    """The numbers, [n] int64, of the positions that have the same choice, for positions in order."""
    numbers: dict[Choice, list[int]] = {}
    for number, choice in enumerate(choices):
        numbers.setdefault(choice, []).append(number)
    return [(torch.tensor(own, device=device), choice) for choice, own in numbers.items()]


class Choices:
    """The choices of one vocabulary under one set of banned ids, each made once."""

    def __init__(self, banned: frozenset[int], vocabulary_size: int, device: torch.device) -> None:
        self._not_banned = ~_chosen(banned, vocabulary_size)
        self.vocabulary_size = vocabulary_size
        self.device = device
        self._made: dict[frozenset[int] | None, Choice] = {}

    def of_canvas(self, canvas: Canvas) -> list[Choice]:
        """The choice of each of the canvas's free positions, in order; fails as `of` does."""
        positions = np.flatnonzero(~canvas.clamped).tolist()
        return [self.of(canvas.allowed[position] if canvas.allowed else None) for position in positions]

    def of(self, allowed: frozenset[int] | None) -> Choice:
        """The choice where a canvas allows these ids, or any where None.

        Raises:
            ValueError: only banned or unknown ids are among them.
        """
        if allowed not in self._made:
            own = self._not_banned if allowed is None else self._not_banned & _chosen(allowed, self.vocabulary_size)
            if not own.any():
                raise ValueError("a free position has only banned or unknown ids to choose from")
            parts = (torch.as_tensor(np.flatnonzero(part)).to(self.device) for part in (own, ~own))
            self._made[allowed] = Choice(*parts)
        return self._made[allowed]


def _chosen(ids: frozenset[int], vocabulary_size: int) -> Flags:
    """[V], which ids of the vocabulary are these; unknown ones are left out."""
    numbers = np.fromiter(ids, np.int64, len(ids))
    chosen = np.zeros(vocabulary_size, np.bool_)
    chosen[numbers[(numbers >= 0) & (numbers < vocabulary_size)]] = True
    return chosen
