"""The clamped tokens of canvases: read once, in both directions but blind to the holes, and shown to every step.

What they pass on depends on no noise, so that rows and steps share one reading. In rows whose holes differ in length
they only stand elsewhere: a rotary embedding turns a key by an angle that grows with its position, so a key that has
moved is turned by the rest. A step then computes free positions alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

from engine.backbone import Backbone
from engine.cache import LayerView, ReadingCache
from engine.canvas import Canvas
from engine.context import PooledContext
from engine.masks import Places

HOLE = 8
"""Positions that every hole takes where its surroundings are read, whatever it takes in a row: a usual length."""


@dataclass(frozen=True, slots=True, eq=False)
class Clamped:
    """A canvas's clamped tokens.

    token_ids: [C] int64. positions: [C] int64, from the canvas's first. read_at: [C] int64, the same where every hole
    takes `HOLE` positions. key: equal where one reading serves both canvases. arrangement: equal where they stand in
    the same places, too.
    """

    token_ids: Tensor
    positions: Tensor
    read_at: Tensor
    key: bytes
    arrangement: bytes

    @classmethod
    def of_canvas(cls, canvas: Canvas, device: torch.device) -> Self:
        """Those of a canvas."""
        free = ~canvas.clamped
        begins = free & ~np.concatenate([[False], free[:-1]])
        token_ids = canvas.token_ids[canvas.clamped].astype(np.int64)
        positions = np.flatnonzero(canvas.clamped)
        read_at = np.arange(len(positions)) + HOLE * np.cumsum(begins)[canvas.clamped]
        tensors = (torch.tensor(each, device=device) for each in (token_ids, positions, read_at))
        key = token_ids.tobytes() + read_at.tobytes()
        return cls(*tensors, key=key, arrangement=key + positions.tobytes())

    def __len__(self) -> int:
        return len(self.token_ids)


@dataclass(frozen=True, slots=True)
class Reading:
    """What clamped tokens pass on where they were read: keys and values of each layer, [1, heads, C, head_dim]."""

    layers: tuple[LayerView, ...]

    @classmethod
    def of(cls, clamped: Clamped, backbone: Backbone, context: PooledContext) -> Self:
        """One pass of the decoder."""
        start = context.token_count
        places = Places.of_rows(start, [clamped.read_at])
        # No first look has been fed back yet, as in a first step.
        no_signal = torch.zeros(len(clamped), backbone.hidden_size, dtype=backbone.dtype, device=backbone.device)
        passed_on: list[LayerView] = []
        backbone.decode(
            clamped.token_ids,
            no_signal,
            places,
            backbone.decoder_masks(places, start),
            ReadingCache(context.slot.sequence, start),
            passed_on=passed_on,
        )
        return cls(tuple(passed_on))


class Around:
    """What rows see around their holes: readings of their clamped tokens, moved to where those stand, once for all rows
    that have the same ones in the same places.

    places: of the clamped tokens, arrangement by arrangement, numbered after the rows. shown: [R] int64, the number of
    each row's arrangement.
    """

    def __init__(
        self, clamped: Sequence[Clamped], readings: Mapping[bytes, Reading], backbone: Backbone, context: PooledContext
    ) -> None:
        """clamped: of each row; some have tokens. readings: by their keys, of those that have."""
        numbers: dict[bytes, int] = {}
        arranged: list[Clamped] = []
        for own in clamped:
            if own.arrangement not in numbers:
                numbers[own.arrangement] = len(clamped) + len(arranged)
                arranged.append(own)
        positions = [own.positions for own in arranged]
        self.places = Places.of_rows(context.token_count, positions, first=len(clamped))
        self.shown = torch.tensor([numbers[own.arrangement] for own in clamped], device=backbone.device)
        some = [own for own in arranged if len(own)]
        self._readings = [readings[own.key] for own in some]
        self._backbone = backbone
        self._rotations = backbone.rotations(torch.cat([own.positions - own.read_at for own in some]))

    def layer(self, number: int) -> LayerView:
        """What rows see in a layer: [1, heads, sum of C, head_dim] each."""
        read = LayerView.joined(*(reading.layers[number] for reading in self._readings))
        return LayerView(self._backbone.rotate(read.keys, number, self._rotations), read.values)
