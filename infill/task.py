"""What flows through one search: its task, proposals, proposals with their scores, and the meter of what it costs."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from time import perf_counter
from typing import Literal, Self, TypeAlias, TypeVar

import numpy as np

from engine.canvas import Context, DenoiseConfig, Denoiser, Floats, Reader, RowScores, ScoreQuery, TokenIds
from engine.token_set import TokenSet
from infill.judge.flaws import FlawCheck, Flaws
from infill.profile import Profile, ProposerName
from infill.prompt.layout import HoleMode, Layout
from infill.request import FillStats, InfillRequest, Progress, StopReason

T = TypeVar("T")
Steps: TypeAlias = Generator[Progress, None, T]
"""A part of a request's work: one model forward a `next()`, and a result of type T. Closing it cancels."""
Stage: TypeAlias = Literal["prefill", "denoise", "rank"]


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


class Meter:
    """Counts forwards and positions and times the stages of one request. The time others are served in between, while
    the pipeline is suspended, is in no stage but does spend the deadline. share: of the time to the deadline, after
    which nothing new begins."""

    def __init__(self, deadline_ms: int | None, *, share: float) -> None:
        self._deadline = None if deadline_ms is None else perf_counter() + share * deadline_ms / 1_000
        self._ms: dict[str, float] = {"prefill": 0.0, "denoise": 0.0, "rank": 0.0}
        self._token_positions = 0
        self._context_tokens = 0
        self._cached_tokens = 0
        self._free_tokens = 0
        self.passes = 0

    @property
    def late(self) -> bool:
        """Whether it is time to answer with what has been read."""
        return self._deadline is not None and perf_counter() >= self._deadline

    @contextmanager
    def timed(self, stage: Stage) -> Generator[None]:
        """Add the time spent inside to a stage."""
        began = perf_counter()
        try:
            yield
        finally:
            self._ms[stage] += (perf_counter() - began) * 1_000

    def count_prefill(self, context: Context, *, computed: int = 0) -> None:
        """Note a prefilled context; it took a forward only where it was not all there already. computed: tokens of it
        that the request has prefilled before."""
        self._context_tokens = context.token_count
        self._cached_tokens = max(context.cached_count - computed, 0)
        if context.cached_count < context.token_count:
            self.passes += 1

    def count_forward(self, token_positions: int) -> None:
        """Note a forward over this many positions."""
        self.passes += 1
        self._token_positions += token_positions

    def count_free(self, free_tokens: int) -> None:
        """Note how many free positions a batch holds; the largest batch counts."""
        self._free_tokens = max(self._free_tokens, free_tokens)

    def stats(self) -> FillStats:
        """The figures so far."""
        return FillStats(
            passes=self.passes,
            token_positions=self._token_positions,
            context_tokens=self._context_tokens,
            cached_tokens=self._cached_tokens,
            free_tokens=self._free_tokens,
            ms=dict(self._ms),
        )


@dataclass(frozen=True, kw_only=True)
class Task:
    """One canvas of a request.

    config: how its holes are denoised. banned_in_line: ids that no text within a line may hold.
    reader: the token tree of all texts that are scored for it.
    """

    request: InfillRequest
    mode: HoleMode
    layout: Layout
    check: FlawCheck
    denoiser: Denoiser
    context: Context
    config: DenoiseConfig
    banned_in_line: TokenSet
    reader: Reader
    profile: Profile
    meter: Meter

    @cached_property
    def possible_lengths(self) -> range:
        """How many tokens a hole's text may have."""
        return self.profile.lengths.possible(self.layout.room)

    def proposal(self, text: str, source: ProposerName, *, copy_prob: float = 0.0) -> Proposal:
        """A text that is known already, for each of the holes."""
        texts = (text,) * len(self.layout.edges)
        return Proposal(texts=texts, token_ids=self.layout.encode_middles(texts), source=source, copy_prob=copy_prob)

    def read(self, rows: Sequence[Sequence[TokenIds]]) -> tuple[RowScores, ...]:
        """Read texts left to right with one forward, or none where all of them were read before. rows: texts of all
        holes. Each row's scores begin at the first hole and end at the token after the last text, which tells whether
        the text may end there."""
        before = self.reader.token_positions
        with self.meter.timed("rank"):
            scores = self.reader.read([self._query(texts) for texts in rows])
        computed = self.reader.token_positions - before
        if computed:
            self.meter.count_forward(computed)
        return scores

    def _query(self, texts: Sequence[TokenIds]) -> ScoreQuery:
        """A row of texts. The first token of a hole has to begin with the characters known before it; but one that
        spells only some of these, as with blanks before blanks, is not held to them."""
        runs: list[TokenIds] = []
        allowed: dict[int, TokenSet] = {}
        position = 0
        for hole, (run, text) in enumerate(zip(self.layout.clamped, texts, strict=False)):
            position += len(run)
            starting = self._starting.get(hole)
            if starting is not None and (not len(text) or int(text[0]) in starting):
                allowed[position] = starting
            position += len(text)
            runs += [run, text]
        row = np.concatenate([*runs, self._end]).astype(np.int32)
        return ScoreQuery(token_ids=row, begin=len(self.layout.clamped[0]), allowed=allowed)

    @cached_property
    def _end(self) -> TokenIds:
        return np.array([self.layout.id_after(len(self.layout.edges) - 1)], np.int32)

    @cached_property
    def _starting(self) -> dict[int, TokenSet]:
        """By hole, the ids that begin with the characters known before it; any where there are none."""
        edges = enumerate(self.layout.edges)
        return {hole: self.layout.tokens.starting_with(own.head) for hole, own in edges if own.head}
