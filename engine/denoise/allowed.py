"""Which ids a free position may take: all but the banned ones, or the few that its canvas allows there."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.canvas import Canvas, Flags
from engine.token_set import NO_TOKENS, TokenSet

KEPT = 8
"""Choices whose ids are kept on the device: about as many as one request holds there at a time."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The ids that may stand: all but the banned ones, or of these only the allowed."""

    banned: TokenSet
    allowed: TokenSet | None = None

    def flags(self, vocabulary_size: int) -> Flags:
        """[V], which ids of a vocabulary may stand.

        Raises:
            ValueError: none may; all that are allowed are banned or unknown.
        """
        flags = ~_flags(self.banned, vocabulary_size)
        if self.allowed is not None:
            flags &= _flags(self.allowed, vocabulary_size)
        if not flags.any():
            raise ValueError("a free position has only banned or unknown ids to choose from")
        return flags


ANYTHING = Choice(NO_TOKENS)


def choices_in(canvas: Canvas, banned: TokenSet) -> list[Choice]:
    """The choice of each of the canvas's free positions, in order."""
    positions = np.flatnonzero(~canvas.clamped).tolist()
    return [Choice(banned, canvas.allowed[position] if canvas.allowed else None) for position in positions]


@dataclass(frozen=True, slots=True, eq=False)
class ChoiceIds:
    """The vocabulary split in two by a choice. allowed: [n] int64. banned: [m] int64."""

    allowed: Tensor
    banned: Tensor


class Choices:
    """The ids of choices from one vocabulary, on a device; those of the choices last asked for are kept there."""

    def __init__(self, vocabulary_size: int, device: torch.device) -> None:
        self.vocabulary_size = vocabulary_size
        self.device = device
        self._kept: OrderedDict[Choice, ChoiceIds] = OrderedDict()

    def of(self, choice: Choice) -> ChoiceIds:
        """A choice's ids.

        Raises:
            ValueError: only banned or unknown ids are among them.
        """
        if choice not in self._kept:
            flags = choice.flags(self.vocabulary_size)
            parts = (torch.as_tensor(np.flatnonzero(part)).to(self.device) for part in (flags, ~flags))
            self._kept[choice] = ChoiceIds(*parts)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(choice)
        return self._kept[choice]

    def grouped(self, choices: Iterable[Choice]) -> list[tuple[Tensor, Choice, ChoiceIds]]:
        """For positions in order the numbers, [n] int64, of those that have the same choice, and its ids; fails as `of`
        does."""
        numbers: dict[Choice, list[int]] = {}
        for number, choice in enumerate(choices):
            numbers.setdefault(choice, []).append(number)
        return [(torch.tensor(own, device=self.device), choice, self.of(choice)) for choice, own in numbers.items()]


def _flags(tokens: TokenSet, vocabulary_size: int) -> Flags:
    """[V], which ids of the vocabulary are these; unknown ones are left out."""
    flags = np.zeros(vocabulary_size, np.bool_)
    flags[tokens.ids[(tokens.ids >= 0) & (tokens.ids < vocabulary_size)]] = True
    return flags
