"""Texts that the encoder itself would write in a hole: a best-first search that starts from texts of others.

Reading a text left to right tells what else might have stood at each of its tokens, how likely that was, and whether
the text might have ended there. So every pass over a few hypotheses names others, and the likeliest are read in the
next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from math import log1p
from typing import Self, TypeAlias

import numpy as np

from engine.canvas import RowScores, TokenIds
from infill.edges import Edges
from infill.lookup import mixed
from infill.tokens import TextTokens

Ids: TypeAlias = tuple[int, ...]
Place: TypeAlias = tuple[int, Ids]
"""The number of a stem, and a hole's first tokens behind it."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A hole's first tokens. log_probs: nats, of each; where they are all of its text, of the token after it, too.
    entropies: nats, of what might have stood in the place of each."""

    token_ids: Ids = ()
    log_probs: tuple[float, ...] = ()
    entropies: tuple[float, ...] = ()

    @classmethod
    def whole(cls, token_ids: TokenIds, scores: RowScores) -> Self:
        """All of a text that was read. scores: of it, and of the token after it."""
        return cls(ids_of(token_ids), tuple(scores.log_probs.tolist()), tuple(scores.entropy[:-1].tolist()))

    @property
    def log_prob(self) -> float:
        return sum(self.log_probs)

    def mixed(self, copies: Mapping[Ids, float]) -> Self:
        """As likely as where what stands elsewhere counts, too, each token in its proportion. copies: of texts, how
        likely each is copied."""
        if not copies:
            return self
        nats = self.log_prob
        share = mixed(nats, copies.get(self.token_ids, 0.0), sum(copies.values())) / nats if nats else 1.0
        return type(self)(self.token_ids, tuple(share * own for own in self.log_probs), self.entropies)

    def then(self, token_id: int, log_prob: float, entropy: float) -> Self:
        """With one token more."""
        return type(self)((*self.token_ids, token_id), (*self.log_probs, log_prob), (*self.entropies, entropy))

    def ended(self, log_prob: float) -> Self:
        """As all of a text. log_prob: nats, of the token after it."""
        return type(self)(self.token_ids, (*self.log_probs, log_prob), self.entropies)


@dataclass(frozen=True, slots=True)
class Stem:
    """What stands before a hole: the texts of the holes before it. log_prob: nats, of these and of the known tokens
    behind each."""

    texts: tuple[Hypothesis, ...] = ()
    log_prob: float = 0.0

    @property
    def middles(self) -> tuple[Ids, ...]:
        return tuple(text.token_ids for text in self.texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beam:
    """The hypotheses of one hole.

    stems: behind which they stand. copies: behind each of these, of some texts, how likely they are copied. end_id: the
    token after the hole. barred: ids that its text may not hold. exact: how many tokens the text has, None where nobody
    knows.
    """

    stems: Sequence[Stem] = (Stem(),)
    copies: Sequence[Mapping[Ids, float]] = ({},)
    end_id: int
    barred: frozenset[int]
    exact: int | None = None
    _read: set[Place] = field(default_factory=set[Place], init=False)
    _unread: dict[Place, Hypothesis] = field(default_factory=dict[Place, Hypothesis], init=False)
    _ended: dict[Place, Hypothesis] = field(default_factory=dict[Place, Hypothesis], init=False)

    def learn(self, stem: int, token_ids: Ids, scores: RowScores) -> None:
        """Take in what was expected of a text behind a stem, and of the token after it. scores: of as many of these
        tokens, from the last; what stands before them has to be a hypothesis."""
        first = len(token_ids) + 1 - len(scores.log_probs)
        known = self._unread.get((stem, token_ids[:first]), Hypothesis())
        tokens = (*token_ids, self.end_id)[first:]
        for at, (token_id, log_prob) in enumerate(zip(tokens, scores.log_probs.tolist(), strict=True)):
            entropy = float(scores.entropy[at])
            likeliest = zip(scores.top_ids[at].tolist(), scores.top_log_probs[at].tolist(), strict=True)
            for other_id, nats in (*likeliest, (token_id, log_prob)):
                self._note(stem, known, other_id, nats, entropy)
            self._read.add((stem, known.token_ids))
            self._unread.pop((stem, known.token_ids), None)
            known = known.then(token_id, log_prob, entropy)

    def _note(self, stem: int, known: Hypothesis, token_id: int, log_prob: float, entropy: float) -> None:
        """Take in what might stand after a hypothesis: another of its tokens, or what ends it."""
        length = len(known.token_ids)
        if length and token_id == self.end_id and self.exact in (None, length):
            self._ended[stem, known.token_ids] = known.ended(log_prob)
        if token_id in self.barred or log_prob == -np.inf or (self.exact is not None and length >= self.exact):
            return
        longer = known.then(token_id, log_prob, entropy)
        if (stem, longer.token_ids) not in self._read:
            self._unread[stem, longer.token_ids] = longer

    def likeliest(self, count: int, *, above: float = -np.inf) -> list[Place]:
        """The hypotheses to be read next. above: nats, of texts that are known; a hypothesis only ever grows less
        likely, and what is not likelier now will not be."""
        # What stands elsewhere was read before.
        begun = [stem.log_prob + log1p(-sum(own.values())) for stem, own in zip(self.stems, self.copies, strict=True)]
        promises = {at: begun[at[0]] + own.log_prob for at, own in self._unread.items()}
        return nlargest(count, (at for at, nats in promises.items() if nats > above), key=promises.__getitem__)

    def texts(self) -> list[Stem]:
        """Whole texts, the likeliest first, each behind what it stands behind."""
        whole = (
            Stem((*stem.texts, text), stem.log_prob + text.log_prob)
            for stem, text in (
                (self.stems[number], text.mixed(self.copies[number])) for (number, _), text in self._ended.items()
            )
        )
        return sorted(whole, key=lambda stem: stem.log_prob, reverse=True)


def ids_of(token_ids: TokenIds) -> Ids:
    return tuple(token_ids.tolist())


def spelling(text: Hypothesis, edges: Edges, tokens: TextTokens) -> str | None:
    """A text without the characters known at its hole's edges; None where it lacks them."""
    spelled = tokens.decode(text.token_ids)
    unwrapped = edges.unwrap(spelled)
    return unwrapped if edges.wrap(unwrapped) == spelled else None
