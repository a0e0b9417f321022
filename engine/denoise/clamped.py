"""Clamped tokens that are read once: their keys and values, computed blind to the holes and shown to every step.

These depend on no noise, so that rows and steps share them; they are computed in the first step, beside the rows. Where
holes differ in length the same tokens stand at other positions: a rotary embedding turns a key by an angle that grows
with its position, so a key that has moved is turned by the rest. Later steps compute free positions alone.
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

HOLE_LENGTH = 8
"""Positions that every hole takes while the clamped tokens are read, whatever it takes in a row: a usual length."""


@dataclass(frozen=True, slots=True, eq=False)
class ClampedTokens:
    """A canvas's clamped tokens.

    token_ids: [C] int64. positions: [C] int64, from the canvas's first. read_positions: [C] int64, the same where every
    hole takes `HOLE_LENGTH` positions. kv_key: equal where the same keys and values serve both canvases. layout_key:
    equal where they stand in the same positions, too.
    """

    token_ids: Tensor
    positions: Tensor
    read_positions: Tensor
    kv_key: bytes
    layout_key: bytes

    @classmethod
    def of_canvas(cls, canvas: Canvas, device: torch.device) -> Self:
        """Those of a canvas."""
        free = ~canvas.clamped
        begins = free & ~np.concatenate([[False], free[:-1]])
        token_ids = canvas.token_ids[canvas.clamped].astype(np.int64)
        positions = np.flatnonzero(canvas.clamped)
        read_positions = np.arange(len(positions)) + HOLE_LENGTH * np.cumsum(begins)[canvas.clamped]
        tensors = (torch.tensor(each, device=device) for each in (token_ids, positions, read_positions))
        key = token_ids.tobytes() + read_positions.tobytes()
        return cls(*tensors, kv_key=key, layout_key=key + positions.tobytes())

    def __len__(self) -> int:
        return len(self.token_ids)


LayerKV: TypeAlias = dict[int, LayerView]
"""Keys and values of some clamped tokens by layer, [1, heads, C, head_dim] each."""


class ClampedKV:
    """Keys and values of the rows' clamped tokens in a pass, turned to where those stand, once for all rows that have
    the same ones in the same positions. What is not known yet is computed beside the rows.

    pending: the clamped tokens that the pass computes, before the rows' tokens. pending_positions: where they stand.
    positions: of what the rows see, layout by layout, behind the pass's own keys.
    attends_to: int64, which layout each row sees. All are numbered: rows, layouts, what is pending; the last two see
        nothing but themselves.
    computed: takes the keys and values that the pass computes, by `kv_key`.
    """

    def __init__(
        self, clamped: Sequence[ClampedTokens], known: Mapping[bytes, LayerKV], backbone: Backbone, start: int
    ) -> None:
        """clamped: of each row; some have tokens. known: by `kv_key`, from earlier passes. start: tokens of the
        context."""
        layouts = {own.layout_key: own for own in clamped}
        pending = {own.kv_key: own for own in clamped if len(own) and own.kv_key not in known}
        numbers = {key: len(clamped) + number for number, key in enumerate(layouts)}
        rest = range(len(clamped), len(clamped) + len(layouts) + len(pending))
        self.pending = list(pending.values())
        self.pending_positions = TokenPositions.of_rows(
            start, [own.read_positions for own in self.pending], first=rest.start + len(layouts), device=backbone.device
        )
        self.positions = TokenPositions.of_rows(
            start, [own.positions for own in layouts.values()], first=rest.start, device=backbone.device
        )
        self.attends_to = torch.tensor([*(numbers[own.layout_key] for own in clamped), *rest], device=backbone.device)
        self.computed: dict[bytes, LayerKV] = {key: {} for key in pending}
        self._known = {**known, **self.computed}
        self._layouts = [own for own in layouts.values() if len(own)]
        self._backbone = backbone
        self._turns = backbone.turns(torch.cat([own.positions - own.read_positions for own in self._layouts]))

    def extend(self, layer: int, seen: LayerView, own: int) -> LayerView:
        """The keys and values that a layer sees, with the clamped tokens' behind them. own: how many of the keys are
        the pass's own."""
        start = seen.keys.shape[2] - own
        for pending in self.pending:
            part = slice(start, start + len(pending))
            # A copy, or all that the layer sees would be held.
            view = LayerView(seen.keys[:, :, part].clone(), seen.values[:, :, part].clone())
            self.computed[pending.kv_key][layer] = view
            start += len(pending)
        return LayerView.joined(seen, self.in_place(layer))

    def in_place(self, layer: int) -> LayerView:
        """A layer's keys and values of the clamped tokens where they stand: [1, heads, sum of C, head_dim] each."""
        known = LayerView.joined(*(self._known[own.kv_key][layer] for own in self._layouts))
        return LayerView(self._backbone.turn(known.keys, layer, self._turns), known.values)
