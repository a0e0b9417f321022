"""The fast path's `TokenTree`: keys and values in the arena, where the tree of one request is a sequence of its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from engine.canvas import TokenIds
from engine.cuda.arena import Extent
from engine.cuda.programs.buckets import TOKENS, Buckets
from engine.kv.cache import SequenceKV
from engine.model.backbone import Backbone
from engine.score.trie import NodePath, Trie


class ArenaTree:
    """Rows read behind `start` context tokens. kept: the nodes' keys and values."""

    def __init__(self, backbone: Backbone, start: int, buckets: Buckets, kept: Extent) -> None:
        self._backbone = backbone
        self._start = start
        self._buckets = buckets
        self._kept = kept
        self.trie = Trie()
        self._hidden = torch.empty(0, backbone.hidden_size, device=backbone.device, dtype=backbone.dtype)

    def read(self, sequence: SequenceKV, rows: Sequence[TokenIds]) -> list[NodePath]:
        old = len(self.trie)
        paths = [self.trie.put(row) for row in rows]
        if len(self.trie) > old:
            self._kept.reserve(len(self.trie))
            for begin in range(old, len(self.trie), TOKENS[-1]):
                self._read(sequence, begin, min(begin + TOKENS[-1], len(self.trie)))
        return paths

    def hidden(self, nodes: NodePath) -> torch.Tensor:
        return self._hidden[self._backbone.integers(nodes)]

    def _read(self, sequence: SequenceKV, begin: int, end: int) -> None:
        """Reads these nodes, all before which are there."""
        if not isinstance(sequence, Extent):
            raise TypeError("a context of the arena is needed")
        before, own = slice(0, begin), slice(begin, end)
        begins, ends = self.trie.intervals()
        positions = self._start + self.trie.depths()
        places = self._kept.offset + np.arange(end)
        hidden = self._buckets.forward("encode", end - begin, begin).run(
            context=np.array([sequence.offset, self._start]),
            token_ids=self.trie.token_ids[own].astype(np.int64),
            positions=positions[own],
            places=begins[own],
            begins=begins[own],
            ends=ends[own],
            floors=positions[own],
            kept=places[own],
            extra_sources=places[before],
            extra_positions=positions[before],
            extra_begins=begins[before],
            extra_ends=ends[before],
        )
        self._hidden = torch.cat([self._hidden, hidden[: end - begin]])
