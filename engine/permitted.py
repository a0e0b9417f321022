"""Which ids a free position may take: all but the banned ones, or the few a canvas allows there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.canvas import Canvas, Flags


@dataclass(frozen=True, slots=True, eq=False)
class Permitted:
    """A split of the vocabulary. ids: [n] int64, may stand. barred: [m] int64, may not."""

    ids: Tensor
    barred: Tensor


def grouped(permitted: Iterable[Permitted], device: torch.device) -> list[tuple[Tensor, Permitted]]:
    """The numbers, [n] int64, of the positions that may take the same ids, for positions in order."""
    numbers: dict[Permitted, list[int]] = {}
    for number, own in enumerate(permitted):
        numbers.setdefault(own, []).append(number)
    return [(torch.tensor(own, device=device), permitted) for permitted, own in numbers.items()]


class PermittedIds:
    """Splits of one vocabulary under one set of banned ids, each made once."""

    def __init__(self, banned: frozenset[int], vocabulary_size: int, device: torch.device) -> None:
        self._may_stand = ~_chosen(banned, vocabulary_size)
        self.vocabulary_size = vocabulary_size
        self.device = device
        self._made: dict[frozenset[int] | None, Permitted] = {}

    def of_canvas(self, canvas: Canvas) -> list[Permitted]:
        """What each of the canvas's free positions may take, in order; fails as `split` does."""
        places = np.flatnonzero(~canvas.clamped).tolist()
        return [self.split(canvas.allowed[place] if canvas.allowed else None) for place in places]

    def split(self, allowed: frozenset[int] | None) -> Permitted:
        """What may stand where a canvas allows these ids, or any where None.

        Raises:
            ValueError: only banned or unknown ids are among them.
        """
        if allowed not in self._made:
            own = self._may_stand if allowed is None else self._may_stand & _chosen(allowed, self.vocabulary_size)
            if not own.any():
                raise ValueError("a free position has only banned or unknown ids to choose from")
            ids, barred = (torch.from_numpy(np.flatnonzero(part)).to(self.device) for part in (own, ~own))
            self._made[allowed] = Permitted(ids, barred)
        return self._made[allowed]


def _chosen(ids: frozenset[int], vocabulary_size: int) -> Flags:
    """[V], which ids of the vocabulary are these; unknown ones are left out."""
    numbers = np.fromiter(ids, np.int64, len(ids))
    chosen = np.zeros(vocabulary_size, np.bool_)
    chosen[numbers[(numbers >= 0) & (numbers < vocabulary_size)]] = True
    return chosen
