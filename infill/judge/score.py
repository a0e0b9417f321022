"""Scores: how likely the encoder finds the file with a proposal in it; and the one order of candidates by them.

The log-probability is summed from the first hole's first token to the token after the last hole, so that texts of
different lengths compare (Source: the two-sided ranking of arXiv 2609.02108). They are ordered by it, less what speaks
against a text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from heapq import heapify, heappop, heappush
from math import log, log1p

import numpy as np

from engine.canvas import Denoiser, Floats, RowScores, ScoreQuery, TokenIds
from infill.profile import Weights
from infill.prompt.layout import Layout
from infill.request import Progress
from infill.task import Proposal, Scored, Steps, Task
from infill.text.holes import Edges
from infill.text.tokens import TextTokens

# What any model of code that reads left to right expects better than chance, and better than the same backwards.
_SAMPLE = '''\
import os
import sys


def main(argv=None):
    """Print the names of the files in a directory."""
    path = argv[0] if argv else "."
    for name in sorted(os.listdir(path)):
        if name.startswith("."):
            continue
        print(name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
'''
# Of the nats that a guess among all ids costs.
_SANE_SHARE = 0.6


@dataclass(slots=True)
class EncoderScorer:
    """Scores the proposals of one task.

    copy_probs: by texts, of all copies that were proposed: where the profile has a copy prior, a text is as likely as
    under a mixture of the encoder and the copies (Source: arXiv 1612.04426).
    """

    task: Task
    copy_probs: dict[tuple[str, ...], float] = field(default_factory=dict[tuple[str, ...], float])

    def score(self, proposals: Sequence[Proposal]) -> Steps[list[Scored]]:
        """Each proposal with its scores, in their order. Where the checkpoint's encoder does not score code sanely, or
        the deadline has passed, those that were denoised are judged by their entropy, and others are left out."""
        task = self.task
        self.copy_probs |= {own.texts: own.copy_prob for own in proposals if own.copy_prob}
        if task.meter.late or not task.profile.trust_encoder:
            return [_by_entropy(own, task) for own in proposals if own.token_entropy]
        passes = task.meter.passes
        rows = task.read([own.token_ids for own in proposals])
        if task.meter.passes > passes:
            yield Progress(stage="score")
        with task.meter.timed("rank"):
            return [self._scored(own, scores) for own, scores in zip(proposals, rows, strict=True)]

    def _scored(self, proposal: Proposal, scores: RowScores) -> Scored:
        log_prob = float(scores.log_probs.sum())
        mixed = self._with_copy_prior(log_prob, proposal.texts)
        share = mixed / log_prob if log_prob else 1.0
        return Scored(
            proposal=proposal,
            log_prob=mixed,
            line_nll=tuple(share * nll for nll in _line_nll(proposal, scores, self.task.layout)),
            flaws=partial(self.task.check.flaws, proposal.texts),
            passes=self.task.meter.passes,
        )

    def _with_copy_prior(self, log_prob: float, texts: tuple[str, ...]) -> float:
        """Log-probability under a mixture of the encoder and the copies."""
        own = log1p(-sum(self.copy_probs.values())) + log_prob
        copied = self.copy_probs.get(texts)
        return float(np.logaddexp(own, log(copied))) if copied else own


def _by_entropy(proposal: Proposal, task: Task) -> Scored:
    """Scores of a proposal that no encoder reads: its entropies, in nats, stand for negative log-probabilities."""
    parts = zip(proposal.texts, proposal.token_ids, proposal.token_entropy, task.layout.edges, strict=True)
    lines = [_by_line(entropy, text, ids, edges, task.layout) for text, ids, entropy, edges in parts]
    return Scored(
        proposal=proposal,
        log_prob=-(proposal.mean_entropy or 0.0),
        line_nll=tuple(value for hole in lines for value in hole),
        flaws=partial(task.check.flaws, proposal.texts),
        passes=task.meter.passes,
    )


def _line_nll(proposal: Proposal, scores: RowScores, layout: Layout) -> list[float]:
    """Nats, of each line of each hole's text; the token after a hole belongs to the last of its lines."""
    spans = layout.spans([len(ids) for ids in proposal.token_ids])
    begin = spans[0].start
    lines: list[float] = []
    for text, ids, span, edges in zip(proposal.texts, proposal.token_ids, spans, layout.edges, strict=True):
        nll = -scores.log_probs[span.start - begin : span.stop + 1 - begin]
        lines += _by_line(nll, text, ids, edges, layout)
    return lines


def _by_line(values: Floats, text: str, token_ids: TokenIds, edges: Edges, layout: Layout) -> list[float]:
    """Sums of a hole's token values by the line of its text on which each token begins; a value more than there are
    tokens belongs to the last line. Tokens of characters that are known after the hole do not count."""
    if "\n" not in text and not edges.tail:
        return [sum(values.tolist())]
    sizes = [len(piece) for piece in layout.tokens.decode_pieces(token_ids.tolist())]
    starts = (np.cumsum([0, *sizes[:-1]]) - len(edges.head)).tolist()
    lines = [0.0] * (text.count("\n") + 1)
    for number, (value, start) in enumerate(zip(values.tolist(), starts, strict=False)):
        if number == 0 or start < len(text):
            lines[text.count("\n", 0, max(start, 0))] += value
    lines[-1] += sum(values[len(token_ids) :].tolist())
    return lines


def rank_score(scored: Scored, weights: Weights) -> float:
    """What a candidate is worth, nats, 0 at best."""
    flaws = scored.flaws()
    return (
        scored.log_prob
        - weights.syntax_error * flaws.syntax_errors
        - weights.misplaced * flaws.misplaced
        - weights.unknown_word * flaws.unknown_words
    )


def ranked(pool: Iterable[Scored], weights: Weights) -> Iterator[Scored]:
    """Candidates, best first. Flaws are looked for only where a text might be the next one without any."""
    # Rounded, so that texts which are equally likely keep their order on every machine.
    waiting = [(-round(scored.log_prob, 9), number, scored, False) for number, scored in enumerate(pool)]
    heapify(waiting)
    while waiting:
        _, number, scored, is_weighed = heappop(waiting)
        if is_weighed:
            yield scored
        else:
            heappush(waiting, (-round(rank_score(scored, weights), 9), number, scored, True))


def scores_sanely(denoiser: Denoiser, tokens: TextTokens) -> bool:
    """Whether a checkpoint's encoder can judge a text left to right at all: a diffusion model need not have been
    trained to, and candidates are then ranked without it."""
    ids = tokens.encode(_SAMPLE)
    with denoiser.prefill(np.array([tokens.control.bos], np.int32)) as context:
        backwards = np.ascontiguousarray(ids[::-1])
        scores = denoiser.reader(context).read([ScoreQuery(token_ids=row) for row in (ids, backwards)])
    forwards, backwards = (row.log_probs for row in scores)
    return bool(-forwards.mean() < _SANE_SHARE * log(tokens.size) and forwards.mean() > backwards.mean())
