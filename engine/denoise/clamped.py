"""The clamped tokens of canvases: read once, in both directions but blind to the holes, and shown to every step.

What they pass on depends on no noise, so that rows and steps share one reading, taken in the first step, beside the
rows. Where holes differ in length they only stand elsewhere: a rotary embedding turns a key by an angle that grows with
its position, so a key that has moved is turned by the rest. Later steps compute free positions alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self, TypeAlias

import numpy as np
import torch
from torch import Tensor

from engine.canvas import Canvas
from engine.kv.cache import LayerView
from engine.kv.masks import TokenPositions
from engine.model.backbone import Backbone

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


Reading: TypeAlias = dict[int, LayerView]
"""What clamped tokens pass on where they were read, by layer: keys and values [1, heads, C, head_dim]."""


class Around:
    """What rows see around their holes in a pass: readings of their clamped tokens, moved to where those stand, once
    for all rows that have the same ones in the same places. What has not been read yet is read beside the rows.

    unread: the clamped tokens that the pass reads, before the rows' tokens. unread_places: where they stand.
    places: of what the rows see, arrangement by arrangement, behind the pass's own keys.
    shown: int64, which arrangement each row sees. All are numbered: rows, arrangements, what is unread; the last two
        see nothing but themselves.
    read: takes the readings of the pass, by their keys.
    """

    def __init__(
        self, clamped: Sequence[Clamped], readings: Mapping[bytes, Reading], backbone: Backbone, start: int
    ) -> None:
        """clamped: of each row; some have tokens. readings: by their keys, of earlier passes. start: tokens of the
        context."""
        arranged = {own.arrangement: own for own in clamped}
        unread = {own.key: own for own in clamped if len(own) and own.key not in readings}
        numbers = {arrangement: len(clamped) + number for number, arrangement in enumerate(arranged)}
        rest = range(len(clamped), len(clamped) + len(arranged) + len(unread))
        self.unread = list(unread.values())
        self.unread_places = TokenPositions.of_rows(
            start, [own.read_at for own in self.unread], first=len(clamped) + len(arranged), device=backbone.device
        )
        self.places = TokenPositions.of_rows(
            start, [own.positions for own in arranged.values()], first=len(clamped), device=backbone.device
        )
        self.shown = torch.tensor([*(numbers[own.arrangement] for own in clamped), *rest], device=backbone.device)
        self.read: dict[bytes, Reading] = {key: {} for key in unread}
        self._readings = {**readings, **self.read}
        self._arranged = [own for own in arranged.values() if len(own)]
        self._backbone = backbone
        self._rotations = backbone.rotations(torch.cat([own.positions - own.read_at for own in self._arranged]))

    def extend(self, layer: int, seen: LayerView, own: int) -> LayerView:
        """What a layer sees, with what surrounds the rows behind it. own: how many of the keys are the pass's own."""
        start = seen.keys.shape[2] - own
        for unread in self.unread:
            part = slice(start, start + len(unread))
            # A copy, or all that the layer sees would be held.
            self.read[unread.key][layer] = LayerView(seen.keys[:, :, part].clone(), seen.values[:, :, part].clone())
            start += len(unread)
        return LayerView.joined(seen, self.arranged(layer))

    def arranged(self, layer: int) -> LayerView:
        """What surrounds the rows in a layer: [1, heads, sum of C, head_dim] each."""
        read = LayerView.joined(*(self._readings[own.key][layer] for own in self._arranged))
        return LayerView(self._backbone.rotate(read.keys, layer, self._rotations), read.values)
