"""Rotary embeddings: a head is turned by angles that grow with its token's position. Turns add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias, cast

import torch
from torch import Tensor, nn

Turn: TypeAlias = tuple[Tensor, Tensor]
"""What turns heads [N, heads, D] by so many positions each: cosines, and sines with those of the first half negated,
[N, 1, D] each."""

Turns: TypeAlias = Mapping[str, Turn]
"""By kind of layer."""


class Rotary:
    """The turns of all kinds of layers, computed together, since tensors this small cost more to call than to
    compute."""

    def __init__(self, module: nn.Module, kinds: Sequence[str]) -> None:
        """module: transformers' own, which has the frequencies [D / 2] of each kind."""
        halves = [cast(Tensor, getattr(module, f"{kind}_inv_freq")).float() for kind in kinds]
        self._kinds = kinds
        self._widths = [2 * len(half) for half in halves]
        # The cosine of a negated angle is the same, and the sine comes negated.
        self._rates = torch.cat([sign * half for half in halves for sign in (-1, 1)])

    def turns(self, positions: Tensor, dtype: torch.dtype) -> Turns:
        """Turns by so many positions [N], which may be negative."""
        angles = positions[:, None, None] * self._rates
        parts = (torch.split(each.to(dtype), self._widths, dim=-1) for each in (angles.cos(), angles.sin()))
        return dict(zip(self._kinds, zip(*parts, strict=True), strict=True))


def turned(heads: Tensor, turn: Turn) -> Tensor:
    """Heads [N, heads, D], turned."""
    cosines, sines = turn
    return (heads * cosines).addcmul_(heads.roll(heads.shape[-1] // 2, dims=-1), sines)
