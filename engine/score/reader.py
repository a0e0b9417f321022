"""The `Reader`: scores rows left to right over one prefilled context."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from engine.canvas import RowScores, ScoreQuery, TokenIds
from engine.kv.pool import PooledContext
from engine.model.backbone import Backbone
from engine.model.vocabulary import check_ids
from engine.score.answers import LookUp
from engine.score.log_probs import Predictions, log_probs_of
from engine.score.tree_kv import TokenTree, TokenTreeCache
from engine.score.trie import Trie
from engine.token_set import TokenSet

MAX_NODES = 640
"""Nodes that a token tree holds at most, which bounds its memory whatever is read; a single row that is longer goes
alone."""


class TreeReader:
    """Reads rows after a context and remembers their prefixes while there is room for them. new_tree: makes an empty
    tree behind so many tokens."""

    def __init__(
        self,
        backbone: Backbone,
        look_up: LookUp,
        context: PooledContext,
        banned_ids: TokenSet,
        new_tree: Callable[[Backbone, int], TokenTree] = TokenTreeCache,
    ) -> None:
        self._backbone = backbone
        self._context = context
        # The pool keeps no hidden states, so each row begins with the context's last token: its output predicts the
        # row's first. A row's own last token has nothing left to predict.
        self._start = context.token_count - 1
        self._last = context.slot.token_ids[self._start : self._start + 1]
        self._new_tree = new_tree
        self._tree = new_tree(backbone, self._start)
        self._known = Predictions()
        self._forgotten = 0
        self._look_up = look_up
        self._banned = banned_ids

    @property
    def token_positions(self) -> int:
        """Positions computed so far."""
        return self._forgotten + len(self._tree.trie)

    @torch.inference_mode()
    def read(self, queries: Sequence[ScoreQuery]) -> tuple[RowScores, ...]:
        """The scores of each query's row; those that one tree holds are computed in one forward.

        Raises:
            ValueError: a row is empty or holds an id outside the vocabulary, or only banned ids are allowed.
        """
        for query in queries:
            check_ids(query.token_ids, self._backbone.vocabulary_size)
        rows = [np.concatenate([self._last, query.token_ids[:-1]]) for query in queries]
        scores: list[RowScores] = []
        while rest := rows[len(scores) :]:
            some = slice(len(scores), len(scores) + self._make_room(rest))
            paths = self._tree.read(self._context.slot.sequence, rows[some])
            scores += log_probs_of(queries[some], paths, self._tree, self._banned, self._look_up, self._known)
        return tuple(scores)

    def _make_room(self, rows: Sequence[TokenIds]) -> int:
        """How many of the rows, one at least, the tree has room for: a new one where the present one is full."""
        if not (count := _fitting(self._tree.trie, rows)):
            self._forgotten += len(self._tree.trie)
            self._tree = self._new_tree(self._backbone, self._start)
            self._known = Predictions()
            count = max(_fitting(self._tree.trie, rows), 1)
        return count


def _fitting(trie: Trie, rows: Sequence[TokenIds]) -> int:
    """How many of the rows there is room for."""
    grown = Trie(dict(trie.numbers))
    for count, row in enumerate(rows):
        grown.put(row)
        if len(grown) > MAX_NODES:
            return count
    return len(rows)
