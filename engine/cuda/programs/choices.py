"""Which ids may stand in a position, as bits on the device, a row for every set of ids that was asked for lately."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.denoise.allowed import Choice

SETS = 257
"""Sets held at once: as many as a program may ask for, and all ids."""

_WORD = 32


@dataclass(frozen=True, slots=True)
class _TableRow:
    number: int
    ids: NDArray[np.int32]


class ChoiceTable:
    """The choices of one vocabulary. words: [rows, V / 32] int32, a bit for every id that may stand."""

    def __init__(self, vocabulary_size: int, device: torch.device) -> None:
        self.vocabulary_size = vocabulary_size
        words = -(-vocabulary_size // _WORD)
        self.words = torch.zeros(SETS, words, dtype=torch.int32, device=device)
        self._bits = torch.arange(_WORD, dtype=torch.int32, device=device)
        self._rows: OrderedDict[Choice, _TableRow] = OrderedDict()

    def numbers(self, choices: Sequence[Choice]) -> NDArray[np.int64]:
        """Where each of these stands in the table, [N]; valid until the next call.

        Raises:
            ValueError: a choice has only banned or unknown ids.
        """
        return np.array([self._row(choice).number for choice in choices], np.int64)

    def ids(self, choice: Choice) -> NDArray[np.int32]:
        """All ids of a choice, in order; fails as `numbers` does."""
        return self._row(choice).ids

    def banned(self, numbers: Tensor) -> Tensor:
        """[N, V] bool, which ids may not stand where these choices do."""
        bits = self.words[numbers][..., None] >> self._bits & 1
        return bits.flatten(1)[:, : self.vocabulary_size] == 0

    def _row(self, choice: Choice) -> _TableRow:
        row = self._rows.get(choice)
        if row is None:
            flags = choice.flags(self.vocabulary_size)
            number = len(self._rows) if len(self._rows) < SETS else self._rows.popitem(last=False)[1].number
            row = self._rows[choice] = _TableRow(number, np.flatnonzero(flags).astype(np.int32))
            bits = np.pad(flags, (0, self.words.shape[1] * _WORD - len(flags)))
            words = np.packbits(bits, bitorder="little").view(np.int32)
            self.words[number] = torch.as_tensor(words).to(self.words.device)
        self._rows.move_to_end(choice)
        return row
