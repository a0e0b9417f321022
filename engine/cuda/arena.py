"""The arena: keys and values of every context, and of what requests keep beside them, in buffers that never move.

A sequence is an extent of it, two numbers: to rewind or to extend one moves a number, and no pass sees another address.
Only where an extent cannot grow in place are all put in order, that one last, with the free room behind it: the
document in which somebody types is the last. An extent that nobody holds any more is free room.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from weakref import WeakSet

import numpy as np
import torch
from torch import Tensor

from engine.errors import ContextTooLongError
from engine.kv.cache import LayerShape, SequenceKV

ASIDE = 1024
"""Tokens besides contexts: token trees, and clamped tokens that are read once."""


class Arena:
    """Room for so many tokens.

    keys, values: by layer, [1, heads, tokens + 1, head_dim]. The last token is `spill`.
    """

    def __init__(
        self, shapes: tuple[LayerShape, ...], *, tokens: int, device: torch.device, dtype: torch.dtype
    ) -> None:
        self.shapes = shapes
        self.tokens = tokens
        # Zeros, because what is masked is multiplied by 0, which leaves a NaN what it is.
        self.keys = [
            torch.zeros(1, shape.heads, tokens + 1, shape.head_dim, device=device, dtype=dtype) for shape in shapes
        ]
        self.values = [torch.zeros_like(keys) for keys in self.keys]
        self._extents: WeakSet[Extent] = WeakSet()

    @property
    def spill(self) -> int:
        """Where a pass writes what nobody keeps."""
        return self.tokens

    def sequence(self, evict: Callable[[], bool] | None = None) -> Extent:
        """A sequence without tokens. evict: makes room where there is none; whether it could."""
        extent = Extent(self, evict)
        self._extents.add(extent)
        return extent

    def resize(self, extent: Extent, length: int) -> None:
        """Gives an extent room for `length` tokens; what is there stays.

        Raises:
            ContextTooLongError: there is no such room.
        """
        others = sorted(
            (other for other in self._extents if other.capacity and other is not extent),
            key=lambda other: other.offset,
        )
        if not extent.capacity:
            extent.offset = others[-1].offset + others[-1].capacity if others else 0
        behind = (other.offset for other in others if other.offset >= extent.offset)
        if extent.offset + length > next(behind, self.tokens):
            used = sum(other.capacity for other in others)
            if used + length > self.tokens:
                raise ContextTooLongError(f"{length} tokens are needed beside the {used} of {self.tokens} in use")
            self._pack([*others, extent])
        extent.capacity = length

    def _pack(self, extents: Sequence[Extent]) -> None:
        """Puts extents end to end."""
        sources = [np.arange(extent.offset, extent.offset + extent.capacity) for extent in extents]
        source = torch.as_tensor(np.concatenate(sources)).to(self.keys[0].device)
        for buffer in (*self.keys, *self.values):
            buffer[:, :, : len(source)] = buffer[:, :, source]
        offset = 0
        for extent in extents:
            extent.offset = offset
            offset += extent.capacity


class Extent:
    """A `SequenceKV` in an arena: tokens `offset` .. `offset + capacity - 1` of it."""

    def __init__(self, arena: Arena, evict: Callable[[], bool] | None) -> None:
        self._arena = arena
        self._evict = evict
        self.offset = 0
        self.capacity = 0

    @property
    def shapes(self) -> tuple[LayerShape, ...]:
        return self._arena.shapes

    @property
    def keys(self) -> Sequence[Tensor]:
        return [self._own(buffer) for buffer in self._arena.keys]

    @property
    def values(self) -> Sequence[Tensor]:
        return [self._own(buffer) for buffer in self._arena.values]

    def reserve(self, length: int, spare: int = 0) -> None:
        # Nothing is kept free behind it: an extent mostly grows in place.
        while length > self.capacity:
            try:
                self._arena.resize(self, length)
            except ContextTooLongError:
                if self._evict is None or not self._evict():
                    raise

    def trim(self, length: int) -> None:
        self.capacity = min(self.capacity, length)

    def copy_from(self, other: SequenceKV, length: int) -> None:
        self.reserve(length)
        for mine, theirs in zip([*self.keys, *self.values], [*other.keys, *other.values], strict=True):
            mine[:, :, :length] = theirs[:, :, :length]

    def _own(self, buffer: Tensor) -> Tensor:
        return buffer[:, :, self.offset : self.offset + self.capacity]
