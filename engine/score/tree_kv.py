"""Token tree attention: rows read left to right after one context, their shared prefixes computed once.

Rows read later share the prefixes of earlier ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from engine.canvas import TokenIds
from engine.kv.cache import KeyValues, LayerView, TreeCache
from engine.kv.masks import TokenPositions
from engine.model.backbone import Backbone
from engine.score.trie import NodePath, Trie


class TokenTreeCache:
    """Keys, values and hidden states of the rows read so far, a trie of N nodes. start: context tokens that all see."""

    def __init__(self, backbone: Backbone, start: int) -> None:
        self._backbone = backbone
        self._start = start
        self._kept: Sequence[LayerView] = ()
        self.trie = Trie()
        self._hidden = torch.empty(0, backbone.hidden_size, device=backbone.device, dtype=backbone.dtype)

    def read(self, sequence: KeyValues, rows: Sequence[TokenIds]) -> list[NodePath]:
        """Read rows. sequence: where the context's keys and values lie now, since a longer prompt may have moved them.
        Returns the nodes of each row's tokens."""
        old = len(self.trie)
        paths = [self.trie.put(row) for row in rows]
        if len(self.trie) > old:
            positions = self._backbone.integers(self.trie.depths())
            cache = TreeCache(sequence, self._start, self._kept)
            hidden = self._backbone.encode(
                self._backbone.integers(self.trie.token_ids[old:]),
                self._places(positions[old:]),
                cache,
                self._start,
                behind=self._places(positions[:old]),
                seen=torch.from_numpy(self.trie.seen()[old:]).to(self._backbone.device),
            )
            self._kept = cache.kept
            self._hidden = torch.cat([self._hidden, hidden])
        return paths

    def logits(self, nodes: NodePath) -> torch.Tensor:
        """Logits of the token after each of these nodes, [n, V] float32."""
        return self._backbone.logits(self._hidden[self._backbone.integers(nodes)])

    def _places(self, positions: torch.Tensor) -> TokenPositions:
        """All in one row: which nodes see each other is in the trie."""
        return TokenPositions.of_rows(self._start, [positions], self._backbone.device)
