"""Rows that branch off behind a context and are read left to right; what they have in common is read once.

More rows may be read later: of those, too, only what is new is computed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from engine.backbone import Backbone
from engine.cache import KeepingCache, KeyValues, LayerView
from engine.canvas import TokenIds
from engine.masks import Places
from engine.trie import NodePath, Trie


class Branches:
    """The rows read so far, as a trie of N nodes. start: tokens of the context that all of them see.

    hidden: [N, H], the state of each node, which expects the token after it.
    """

    def __init__(self, backbone: Backbone, start: int) -> None:
        self._backbone = backbone
        self._start = start
        self._kept: Sequence[LayerView] = ()
        self.trie = Trie()
        self.hidden = torch.empty(0, backbone.hidden_size, device=backbone.device, dtype=backbone.dtype)

    def read(self, sequence: KeyValues, rows: Sequence[TokenIds]) -> list[NodePath]:
        """Read rows. sequence: where the context's keys and values lie now, since a longer prompt may have moved them.
        Returns the nodes of each row's tokens."""
        old = len(self.trie)
        paths = [self.trie.put(row) for row in rows]
        if len(self.trie) > old:
            positions = torch.from_numpy(self.trie.depths()).to(self._backbone.device)
            cache = KeepingCache(sequence, self._start, self._kept)
            hidden = self._backbone.encode(
                torch.from_numpy(self.trie.token_ids[old:].astype(np.int64)).to(self._backbone.device),
                self._places(positions[old:]),
                cache,
                self._start,
                behind=self._places(positions[:old]),
                seen=torch.from_numpy(self.trie.seen()[old:]).to(self._backbone.device),
            )
            self._kept = cache.kept
            self.hidden = torch.cat([self.hidden, hidden])
        return paths

    def _places(self, positions: torch.Tensor) -> Places:
        """All in one row: which nodes see each other is in the trie."""
        return Places.of_rows(self._start, [positions], self._backbone.device)
