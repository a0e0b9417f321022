"""Continuation: the encoder as a writer, best-first from the texts in the pool.

Reading a text left to right tells what else might have stood at each of its tokens, how likely that was, and whether
the text might have ended there. So each pass over a few hypotheses names others, and the likeliest are read next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge, nlargest
from math import log1p
from operator import itemgetter
from typing import TypeAlias

import numpy as np

from engine.canvas import Floats, RowScores, TokenIds
from infill.judge.finish import is_finished
from infill.request import Progress
from infill.task import Proposal, Scored, Steps, Task

Ids: TypeAlias = tuple[int, ...]

# Of the likeliest texts, those whose syntax is checked; a parse takes about a millisecond.
_MAX_PARSED = 12


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A text's first tokens. log_prob: nats. entropies: nats, of the distributions in the place of each token."""

    token_ids: Ids = ()
    log_prob: float = 0.0
    entropies: tuple[float, ...] = ()

    def then(self, token_id: int, log_prob: float, entropy: float) -> Hypothesis:
        """With one token more."""
        return Hypothesis((*self.token_ids, token_id), self.log_prob + log_prob, (*self.entropies, entropy))

    @property
    def argmax_ids(self) -> TokenIds:
        return np.array(self.token_ids, np.int32)

    @property
    def entropy(self) -> Floats:
        return np.array(self.entropies, np.float32)


def propose(task: Task, pool: Sequence[Scored]) -> Steps[list[Proposal]]:
    """Proposes what the encoder would write in a single empty hole on one line, down to the likeliest whole texts."""
    settings = task.profile.continuation
    passes = settings.passes.get(task.mode, 0) if settings and task.profile.trust_encoder else 0
    if settings is None or not passes or task.layout.middles != ("",):
        return []
    search = _Search(task, pool)
    search.learn([scored.proposal.token_ids[0] for scored in pool] or [np.zeros(0, np.int32)])
    for _ in range(passes):
        with task.meter.timed("rank"):
            likeliest = search.unread(settings.width)
        if not likeliest or task.meter.late:
            break
        search.learn([hypothesis.argmax_ids for hypothesis in likeliest])
        shown = search.likeliest
        yield Progress(stage="score", draft=task.layout.draft([(shown.argmax_ids, shown.entropy)]))
    with task.meter.timed("rank"):
        return search.proposals()


class _Search:
    """Hypotheses of one hole, on their way: those that are read and those that are not, and those that are whole texts
    (`ended`), with the token after the hole."""

    def __init__(self, task: Task, pool: Sequence[Scored]) -> None:
        self._task = task
        self._pool = sorted(pool, key=lambda scored: scored.log_prob, reverse=True)
        self._known = {scored.texts for scored in pool}
        self._end_id = task.layout.id_after(0)
        self._log_not_copied = log1p(-sum(scored.proposal.copy_prob for scored in pool))
        most = task.request.max_line_nll
        # Characters that are known after the hole count in the log-probability, but not for the gate.
        self._least = -np.inf if most is None or task.layout.edges[0].tail else -most
        self._read = set[Ids]()
        self._unread = dict[Ids, Hypothesis]()
        self._ended = dict[Ids, Hypothesis]()
        self._proposals = dict[Ids, Proposal | None]()

    def learn(self, texts: Sequence[TokenIds]) -> None:
        """Read texts, whole or begun, and take in what the encoder expected at each of their tokens."""
        with_scores = zip(texts, self._task.read([[text] for text in texts]), strict=True)
        with self._task.meter.timed("rank"):
            for text, scores in with_scores:
                self._learn(tuple(text.tolist()), scores)

    def unread(self, count: int) -> list[Hypothesis]:
        """The likeliest hypotheses that may yet beat what is known: one only ever grows less likely."""
        above = self._bound()
        promising = (own for own in self._unread.values() if self._mixed(own) > above)
        return nlargest(count, promising, key=lambda own: own.log_prob)

    def proposals(self) -> list[Proposal]:
        """The likeliest texts that are not in the pool, down to as many whole ones as are wanted."""
        found: list[Proposal] = []
        wanted = self._task.request.n
        for _, proposal in self._likeliest():
            found.append(proposal)
            wanted -= not self._task.check.flaws(proposal.texts)
            if not wanted:
                break
        return found

    @property
    def likeliest(self) -> Hypothesis:
        """The likeliest text so far, for display."""
        return max(self._ended.values(), key=lambda own: own.log_prob, default=Hypothesis())

    def _learn(self, token_ids: Ids, scores: RowScores) -> None:
        banned = np.isin(scores.top_ids, self._task.banned_in_line.ids)
        known = Hypothesis()
        for at, token_id in enumerate((*token_ids, self._end_id)):
            log_prob, entropy = float(scores.log_probs[at]), float(scores.entropy[at])
            if known.token_ids not in self._read:
                ids, nats = scores.top_ids[at], scores.top_log_probs[at]
                for own in nats[ids == self._end_id].tolist():
                    self._end(known, own)
                likely = ~banned[at] & (nats > self._least - self._mixed(known))
                for other_id, own in zip(ids[likely].tolist(), nats[likely].tolist(), strict=True):
                    self._go_on(known.then(other_id, own, entropy))
                self._read.add(known.token_ids)
                self._unread.pop(known.token_ids, None)
            if token_id == self._end_id:
                self._end(known, log_prob)
            if at < len(token_ids):
                known = known.then(token_id, log_prob, entropy)

    def _end(self, known: Hypothesis, log_prob: float) -> None:
        """Take in that a text may end behind a hypothesis."""
        if known.token_ids and len(known.token_ids) in self._task.possible_lengths:
            self._ended[known.token_ids] = Hypothesis(known.token_ids, known.log_prob + log_prob, known.entropies)

    def _go_on(self, longer: Hypothesis) -> None:
        """Take in that a text may begin with a hypothesis."""
        if longer.token_ids not in self._read and len(longer.token_ids) < self._task.possible_lengths.stop:
            self._unread[longer.token_ids] = longer

    def _likeliest(self) -> Iterator[tuple[float, Proposal]]:
        """The likeliest texts that are not in the pool and that the gate might show, each with its log-probability."""
        for hypothesis in nlargest(_MAX_PARSED, self._ended.values(), key=lambda own: own.log_prob):
            log_prob = self._mixed(hypothesis)
            if log_prob <= self._least:
                break
            proposal = self._finished(hypothesis)
            if proposal is not None and proposal.texts not in self._known:
                yield log_prob, proposal

    def _bound(self) -> float:
        """Nats that a text has to exceed: the last of the wanted whole texts is likelier otherwise, or the gate would
        not show it."""
        pool = ((scored.log_prob, scored.proposal) for scored in self._pool)
        whole = set[tuple[str, ...]]()
        for log_prob, proposal in merge(pool, self._likeliest(), key=itemgetter(0), reverse=True):
            if log_prob <= self._least:
                break
            if not self._task.check.flaws(proposal.texts):
                whole.add(proposal.texts)
            if len(whole) == self._task.request.n:
                return log_prob
        return self._least

    def _mixed(self, hypothesis: Hypothesis) -> float:
        """Log-probability beside the copies that were proposed."""
        return hypothesis.log_prob + self._log_not_copied

    def _finished(self, hypothesis: Hypothesis) -> Proposal | None:
        """A hypothesis as a proposal; None where it lacks the characters known at the hole's edges, or something would
        be cut off."""
        if hypothesis.token_ids not in self._proposals:
            self._proposals[hypothesis.token_ids] = _proposal(hypothesis, self._task)
        return self._proposals[hypothesis.token_ids]


def _proposal(hypothesis: Hypothesis, task: Task) -> Proposal | None:
    [edges] = task.layout.edges
    spelled = task.layout.tokens.decode(hypothesis.token_ids)
    proposal = Proposal(
        texts=(edges.unwrap(spelled),),
        token_ids=(hypothesis.argmax_ids,),
        source="continuation",
        token_entropy=(hypothesis.entropy,),
    )
    return proposal if edges.wrap(proposal.texts[0]) == spelled and is_finished(proposal, task) else None
