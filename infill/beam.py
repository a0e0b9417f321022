"""Texts that the encoder itself would write: a best-first search that starts from texts of others.

Reading a text left to right tells what else might have stood at each of its tokens, how likely that was, and whether
the text might have ended there. So every pass over a few hypotheses names others, and the likeliest are read in the
next.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import nlargest
from typing import Self, TypeAlias

import numpy as np

from engine.canvas import RowScores

Ids: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A hole's first tokens. log_probs: nats, of each. entropies: nats, of what might have stood in its place."""

    token_ids: Ids = ()
    log_probs: tuple[float, ...] = ()
    entropies: tuple[float, ...] = ()

    @property
    def log_prob(self) -> float:
        return sum(self.log_probs)

    def then(self, token_id: int, log_prob: float, entropy: float) -> Self:
        """With one token more."""
        return type(self)((*self.token_ids, token_id), (*self.log_probs, log_prob), (*self.entropies, entropy))


@dataclass(frozen=True, slots=True, kw_only=True)
class Beam:
    """The hypotheses of one hole.

    end_id: the token after the hole. barred: ids that its text may not hold. exact: how many tokens the text has, None
    where nobody knows.
    """

    end_id: int
    barred: frozenset[int]
    exact: int | None = None
    _read: set[Ids] = field(default_factory=set[Ids], init=False)
    _unread: dict[Ids, Hypothesis] = field(default_factory=dict[Ids, Hypothesis], init=False)
    _ended: dict[Ids, tuple[Hypothesis, float]] = field(default_factory=dict[Ids, tuple[Hypothesis, float]], init=False)

    def learn(self, token_ids: Ids, scores: RowScores) -> None:
        """Take in what was expected of a text and the token after it. scores: of as many of these tokens, from the
        last; what stands before them has to be a hypothesis."""
        first = len(token_ids) + 1 - len(scores.log_probs)
        known = self._unread.get(token_ids[:first], Hypothesis())
        tokens = (*token_ids, self.end_id)[first:]
        for at, (token_id, log_prob) in enumerate(zip(tokens, scores.log_probs.tolist(), strict=True)):
            entropy = float(scores.entropy[at])
            likeliest = zip(scores.top_ids[at].tolist(), scores.top_log_probs[at].tolist(), strict=True)
            for other_id, nats in (*likeliest, (token_id, log_prob)):
                self._note(known, other_id, nats, entropy)
            self._read.add(known.token_ids)
            self._unread.pop(known.token_ids, None)
            known = known.then(token_id, log_prob, entropy)

    def _note(self, known: Hypothesis, token_id: int, log_prob: float, entropy: float) -> None:
        """Take in what might stand after a hypothesis: another of its tokens, or what ends it."""
        length = len(known.token_ids)
        if length and token_id == self.end_id and self.exact in (None, length):
            self._ended[known.token_ids] = known, log_prob
        if token_id in self.barred or log_prob == -np.inf or (self.exact is not None and length >= self.exact):
            return
        longer = known.then(token_id, log_prob, entropy)
        if longer.token_ids not in self._read:
            self._unread[longer.token_ids] = longer

    def likeliest(self, count: int) -> list[Ids]:
        """The hypotheses to be read next."""
        return nlargest(count, self._unread, key=lambda ids: self._unread[ids].log_prob)

    def texts(self) -> list[tuple[Hypothesis, float]]:
        """Whole texts, the likeliest first, each with the nats of its end."""
        return sorted(self._ended.values(), key=lambda ended: ended[0].log_prob + ended[1], reverse=True)
