"""Which keys a query may see, where one packed sequence holds several rows behind one shared context.

Rows are laid end to end instead of padded to one length: no position is computed for nothing, and the context's keys
are shared by every row without a copy. The mask alone keeps the rows apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

CONTEXT = -1
"""The row number of context tokens, which every row sees."""


@dataclass(frozen=True, slots=True)
class TokenPositions:
    """Where packed tokens stand: their positions [N] int64, and their rows [N] int64 (`CONTEXT` or counted from 0).
    row_count: how many rows there are, known without a look at the device."""

    positions: Tensor
    rows: Tensor
    row_count: int = 0

    @classmethod
    def context(cls, start: int, end: int, device: torch.device) -> Self:
        """Context tokens start..end-1."""
        positions = torch.arange(start, end, device=device)
        return cls(positions, torch.full_like(positions, CONTEXT))

    @classmethod
    def of_rows(cls, start: int, positions: Sequence[Tensor], device: torch.device, *, first: int = 0) -> Self:
        """Rows, end to end, of tokens at these positions [N] behind a context of `start` tokens, counted from
        `first`."""
        numbers = np.repeat(np.arange(first, first + len(positions)), [len(own) for own in positions])
        none = torch.zeros(0, dtype=torch.int64, device=device)
        return cls(start + torch.cat([none, *positions]), torch.as_tensor(numbers).to(device), len(positions))

    @classmethod
    def joined(cls, *parts: TokenPositions) -> Self:
        """All of these, end to end."""
        return cls(
            torch.cat([part.positions for part in parts]),
            torch.cat([part.rows for part in parts]),
            sum(part.row_count for part in parts),
        )

    def __len__(self) -> int:
        return len(self.positions)


def additive_mask(
    query: TokenPositions,
    key: TokenPositions,
    *,
    causal: bool,
    window: int | None,
    dtype: torch.dtype,
    attends_to: Tensor | None = None,
    tree_mask: Tensor | None = None,
) -> Tensor:
    """What is added to attention scores: 0 where a query sees a key, minus infinity where not.

    causal: a query sees nothing after itself. window: a query sees the last `window` positions only, itself counted.
    attends_to: [R] int64, by a row's number, that of another that it sees besides itself. tree_mask: [Q, n] bool, which
    of the last n keys each query sees of those that its row lets it see; all where not given.
    Returns [1, 1, Q, K] of `dtype`.
    """
    positions, rows = key.positions[None, :], key.rows[None, :]
    visible = (rows == CONTEXT) | (rows == query.rows[:, None])
    if attends_to is not None:
        visible |= rows == attends_to[query.rows][:, None]
    if tree_mask is not None:
        visible[:, -tree_mask.shape[1] :] &= tree_mask
    if causal:
        visible &= positions <= query.positions[:, None]
    if window is not None:
        visible &= positions > query.positions[:, None] - window
    return torch.zeros(visible.shape, dtype=dtype, device=visible.device).masked_fill_(~visible, -torch.inf)[None, None]
