"""Token tree attention: rows read left to right after one context, their shared prefixes computed once.

Rows read later share the prefixes of earlier ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch

from engine.canvas import TokenIds
from engine.kv.cache import LayerView, SequenceKV, TreeCache
from engine.kv.masks import TokenPositions
from engine.model.backbone import MAX_POSITIONS, Backbone
from engine.score.trie import NodePath, Trie


class TokenTree(Protocol):
    """The rows read so far."""

    @property
    def trie(self) -> Trie: ...

    def read(self, sequence: SequenceKV, rows: Sequence[TokenIds]) -> list[NodePath]:
        """Read rows. sequence: where the context's keys and values lie now, since a longer prompt may have moved them.
        Returns the nodes of each row's tokens."""
        ...

    def hidden(self, nodes: NodePath) -> torch.Tensor:
        """The hidden states of these nodes, [n, H]."""
        ...


class TokenTreeCache:
    """The reference's `TokenTree`: keys, values and hidden states of a trie of N nodes. start: context tokens that all
    see."""

    def __init__(self, backbone: Backbone, start: int) -> None:
        self._backbone = backbone
        self._start = start
        self._kept: list[LayerView] = []
        self.trie = Trie()
        self._hidden = torch.empty(0, backbone.hidden_size, device=backbone.device, dtype=backbone.dtype)

    def read(self, sequence: SequenceKV, rows: Sequence[TokenIds]) -> list[NodePath]:
        old = len(self.trie)
        paths = [self.trie.put(row) for row in rows]
        if len(self.trie) > old:
            token_ids, depths, mask = self.trie.token_ids, self.trie.depths(), self.trie.mask()
            positions = self._backbone.integers(depths)
            for begin in range(old, len(self.trie), MAX_POSITIONS):
                end = min(begin + MAX_POSITIONS, len(self.trie))
                cache = TreeCache(sequence, self._start, self._kept)
                hidden = self._backbone.encode(
                    self._backbone.integers(token_ids[begin:end]),
                    self._places(positions[begin:end]),
                    cache,
                    self._start,
                    behind=self._places(positions[:begin]) if begin else None,
                    tree_mask=torch.as_tensor(mask[begin:end, :end]).to(self._backbone.device),
                )
                self._hidden = torch.cat([self._hidden, hidden])
        return paths

    def hidden(self, nodes: NodePath) -> torch.Tensor:
        return self._hidden[self._backbone.integers(nodes)]

    def _places(self, positions: torch.Tensor) -> TokenPositions:
        """All in one row: which nodes see each other is in the trie."""
        return TokenPositions.of_rows(self._start, [positions], self._backbone.device)
