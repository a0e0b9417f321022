"""The three ways transformers' attention layers meet the keys and values of a context.

Keys and values are kept at full length for every layer, sliding ones too, because a windowed cache cannot rewind. What
a sliding layer may see is cut out here, as a view: the last `window - 1` tokens before the first new one. The objects
answer the few calls the layers make (`update` from the encoder, `layers` and `is_compileable` from the decoder).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class LayerShape:
    """One layer's cache: key and value heads, their dimension, and the window it sees (None: everything)."""

    heads: int
    head_dim: int
    window: int | None

    def first_visible(self, length: int) -> int:
        """The first of `length` cached tokens that the token after them can see."""
        return 0 if self.window is None else max(0, length - (self.window - 1))


class SequenceKV(Protocol):
    """Keys and values of one token sequence for every layer, [1, heads, capacity, head_dim] each.

    capacity: tokens that there is room for.
    """

    @property
    def shapes(self) -> tuple[LayerShape, ...]: ...
    @property
    def capacity(self) -> int: ...
    @property
    def keys(self) -> Sequence[Tensor]: ...
    @property
    def values(self) -> Sequence[Tensor]: ...

    def reserve(self, length: int, spare: int = 0) -> None:
        """Makes room for `length` tokens; what is there stays, or moves where it needs `spare` more to grow into."""
        ...

    def trim(self, length: int) -> None:
        """Lets go of the room behind the first `length` tokens."""
        ...

    def copy_from(self, other: SequenceKV, length: int) -> None:
        """Takes over the first `length` tokens of another sequence."""
        ...


class KeyValues:
    """A `SequenceKV` in buffers of its own, which are copied when their room changes."""

    def __init__(self, shapes: tuple[LayerShape, ...], device: torch.device, dtype: torch.dtype) -> None:
        self.shapes = shapes
        self.capacity = 0
        """Tokens that there is room for."""
        self.keys = [torch.empty(1, shape.heads, 0, shape.head_dim, device=device, dtype=dtype) for shape in shapes]
        self.values = [torch.empty_like(keys) for keys in self.keys]

    def reserve(self, length: int, spare: int = 0) -> None:
        if length > self.capacity:
            self._resize(length + spare)

    def trim(self, length: int) -> None:
        if length < self.capacity:
            self._resize(length)

    def copy_from(self, other: SequenceKV, length: int) -> None:
        self.reserve(length)
        for mine, theirs in zip([*self.keys, *self.values], [*other.keys, *other.values], strict=True):
            mine[:, :, :length] = theirs[:, :, :length]

    def _resize(self, length: int) -> None:
        kept = min(length, self.capacity)
        self.capacity = length
        for buffers in (self.keys, self.values):
            for layer, old in enumerate(buffers):
                resized = old.new_empty(*old.shape[:2], length, old.shape[3])
                resized[:, :, :kept] = old[:, :, :kept]
                buffers[layer] = resized


class AppendingCache:
    """Writes new tokens behind the first `start` ones and shows each layer what it may see of the whole."""

    def __init__(self, sequence: SequenceKV, start: int) -> None:
        self._sequence = sequence
        self._start = start

    def seen(self, layer: int, own: LayerView) -> LayerView:
        """What a layer sees. own: of the new tokens."""
        end = self._start + own.keys.shape[2]
        first = self._sequence.shapes[layer].first_visible(self._start)
        all_keys, all_values = self._sequence.keys[layer], self._sequence.values[layer]
        all_keys[:, :, self._start : end] = own.keys
        all_values[:, :, self._start : end] = own.values
        return LayerView(all_keys[:, :, first:end], all_values[:, :, first:end])


@dataclass(frozen=True, slots=True)
class LayerView:
    """Keys and values that one layer sees: [1, heads, visible, head_dim] each."""

    keys: Tensor
    values: Tensor

    @classmethod
    def joined(cls, *views: LayerView) -> Self:
        """All of these, end to end."""
        return cls(torch.cat([view.keys for view in views], dim=2), torch.cat([view.values for view in views], dim=2))


class FrozenCache:
    """Shows a context's first `length` tokens and lets new ones be joined to them for one forward, writing nothing."""

    def __init__(self, sequence: SequenceKV, length: int) -> None:
        self._layers = [
            LayerView(
                keys[:, :, shape.first_visible(length) : length], values[:, :, shape.first_visible(length) : length]
            )
            for shape, keys, values in zip(sequence.shapes, sequence.keys, sequence.values, strict=True)
        ]

    def seen(self, layer: int, own: LayerView) -> LayerView:
        """What a layer sees. own: of the new tokens."""
        return LayerView.joined(self._layers[layer], own)


class TreeCache(FrozenCache):
    """Also keeps the new keys and values, by layer, so that tokens of a later forward may see them. kept: of earlier
    forwards; the new ones are joined to them layer by layer, so that one layer at a time is held twice."""

    def __init__(self, sequence: SequenceKV, length: int, kept: list[LayerView]) -> None:
        super().__init__(sequence, length)
        self._kept = kept

    def seen(self, layer: int, own: LayerView) -> LayerView:
        """What a layer sees. own: of the new tokens."""
        if layer == len(self._kept):
            self._kept.append(own)
        else:
            self._kept[layer] = LayerView.joined(self._kept[layer], own)
        return LayerView.joined(self._layers[layer], self._kept[layer])
