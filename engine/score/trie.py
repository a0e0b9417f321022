"""Rows that begin alike, packed so that every beginning is read once.

A node is a beginning: a token after another node's. It sees that node, what that one sees, and itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.canvas import Flags, TokenIds

NodePath: TypeAlias = NDArray[np.int64]
"""The nodes of a row's tokens, [L]."""

_ROOT = -1


@dataclass(slots=True)
class Trie:
    """The beginnings of some rows, N of them, parents first; grows with the rows that are put in.

    numbers: of each node, by its parent's and its token.
    """

    numbers: dict[tuple[int, int], int] = field(default_factory=dict[tuple[int, int], int])

    def __len__(self) -> int:
        return len(self.numbers)

    def put(self, row: TokenIds) -> NodePath:
        """Add the tokens of a row that no earlier row has."""
        path: list[int] = []
        for token_id in row.tolist():
            parent = path[-1] if path else _ROOT
            path.append(self.numbers.setdefault((parent, token_id), len(self.numbers)))
        return np.array(path, np.int64)

    @property
    def token_ids(self) -> TokenIds:
        """[N] int32, the last token of each node."""
        return np.array([token_id for _, token_id in self.numbers], np.int32)

    def mask(self) -> Flags:
        """[N, N] bool, which others each node sees."""
        begins, ends = self.intervals()
        return (begins <= begins[:, None]) & (begins[:, None] < ends)

    def intervals(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """[N] each, begins and ends in an order of depth first: a node sees those others whose interval holds its own
        begin."""
        parents = [parent for parent, _ in self.numbers]
        sizes = np.ones(len(self), np.int64)
        for number in range(len(self) - 1, -1, -1):
            if parents[number] != _ROOT:
                sizes[parents[number]] += sizes[number]
        begins = np.zeros(len(self), np.int64)
        # Where the next child of each node begins, and behind all nodes the next root.
        following = np.append(np.zeros(len(self), np.int64), 0)
        for number, parent in enumerate(parents):
            begins[number] = following[parent]
            following[parent] += sizes[number]
            following[number] = begins[number] + 1
        return begins, begins + sizes

    def depths(self) -> NDArray[np.int64]:
        """[N], how many tokens stand before each node's."""
        depths = np.zeros(len(self), np.int64)
        for number, (parent, _) in enumerate(self.numbers):
            if parent != _ROOT:
                depths[number] = depths[parent] + 1
        return depths
