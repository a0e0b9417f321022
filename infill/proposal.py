"""What flows through a search: proposals, and proposals with their scores."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Self, TypeAlias, TypeVar

import numpy as np

from engine.canvas import Floats, TokenIds
from infill.judge.flaws import Flaws
from infill.profile import ProposerName
from infill.request import Progress, StopReason

T = TypeVar("T")
Steps: TypeAlias = Generator[Progress, None, T]
"""A part of a request's work: one model forward a `next()`, and a result of type T. Closing it cancels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A text for each hole, with line ends "\\n".

    token_ids: per hole, the free tokens that spell the text and the known characters at the hole's edges.
    token_entropy: per hole, nats, of the distributions that the tokens were taken from; empty where there are none.
    copy_prob: how likely the text is a copy of one elsewhere, apart from what the model says; 0 without a copy prior.
    """

    texts: tuple[str, ...]
    token_ids: tuple[TokenIds, ...]
    source: ProposerName
    token_entropy: tuple[Floats, ...] = ()
    copy_prob: float = 0.0
    stop_reason: StopReason = "settled"

    @property
    def mean_entropy(self) -> float | None:
        """Nats a token; None without entropies."""
        return float(np.concatenate(self.token_entropy).mean()) if self.token_entropy else None

    @property
    def worst_entropy(self) -> float:
        """Nats, of the least certain token; 0 without entropies."""
        return max((float(own.max(initial=0.0)) for own in self.token_entropy), default=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A finished proposal with its scores.

    log_prob: nats. line_nll: nats, the negative log-probability of each line of each hole's text, a line's end being
    part of the line. flaws: finds what speaks against the texts. passes: model forwards that the request had spent by
    then.
    """

    proposal: Proposal
    log_prob: float
    line_nll: tuple[float, ...]
    flaws: Callable[[], Flaws]
    passes: int = 0

    @property
    def texts(self) -> tuple[str, ...]:
        return self.proposal.texts

    def first_lines(self, count: int) -> Self:
        """A single hole's text up to the end of its first few lines; its tokens are no longer known."""
        text = "\n".join(self.texts[0].split("\n")[:count])
        proposal = replace(self.proposal, texts=(text,), token_ids=())
        return replace(self, proposal=proposal, line_nll=self.line_nll[:count])
