"""What infill is asked and what it answers. Offsets are code points into the request's text.

Knows no LSP, HTTP, torch or token ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Mode: TypeAlias = Literal["line", "block", "auto"]
Confidence: TypeAlias = Literal["shy", "normal", "bold"]
StopReason: TypeAlias = Literal["settled", "step_limit", "deadline"]
RejectReason: TypeAlias = Literal[
    "empty",
    "repeats_suffix",
    "repeats_code",
    "crosses_lines",
    "unchanged",
    "low_confidence",
    "breaks_syntax",
    "too_far",
    "too_long",
    "no_room",
    "took_too_long",
]


MOST_CANDIDATES = 16
"""As many as a request may ask for: the memory that is planned for has no room for the rows of more."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Span:
    """Code points [start, end) of a text; empty where start == end."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"a span runs from 0 <= start to end, not {self.start}..{self.end}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """A piece of another place that helps: where it stands and its text."""

    path: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What somebody just did to a place, and others may have to follow: its path, and whole lines before and after."""

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InfillRequest:
    """A text with holes to fill.

    holes: sorted, inside `text`, with text between neighbours. An empty hole inserts, a non-empty one replaces.
    instruction: words that steer a rewrite; None for an insertion or edit.
    changes: recent ones, the newest last; `text` has them already.
    replays: what these changes make of the single hole's text where they are done over again there.
    n: candidates wanted, 1 to 16. deadline_ms: after the start of the work, when the answer has to be there, as good as
        it is by then; None where it may take its time.
    must_start_with: the first hole's text has to begin so (a selected completion, say).
    confidence: for a suggestion that nobody asked for, which is offered only where the checkpoint's profile finds it
        likely enough for this, and where it breaks nothing. None offers the best there is.
    max_line_nll: nats by which its least likely line may be unlikely, in place of the profile's.
    force: offers what breaks the syntax, too, where a text is replaced and nothing says what shall become of it.
    prefill_only: nothing is offered; the prompt alone is prefilled, for a request that may come for the same place.
    """

    text: str
    holes: tuple[Span, ...]
    instruction: str | None = None
    path: str = ""
    language_id: str = ""
    snippets: tuple[Snippet, ...] = ()
    changes: tuple[Change, ...] = ()
    replays: tuple[str, ...] = ()
    mode: Mode = "auto"
    n: int = 1
    seed: int = 0
    deadline_ms: int | None = None
    must_start_with: str | None = None
    confidence: Confidence | None = None
    max_line_nll: float | None = None
    force: bool = False
    prefill_only: bool = False

    def __post_init__(self) -> None:
        if not self.holes:
            raise ValueError("a request needs at least one hole")
        if not 1 <= self.n <= MOST_CANDIDATES:
            raise ValueError(f"n must be 1 to {MOST_CANDIDATES}, not {self.n}")
        position = -1
        for hole in self.holes:
            if hole.start <= position:
                raise ValueError("holes must be sorted, must not overlap and must have text between them")
            position = hole.end
        if self.replays and len(self.holes) > 1:
            raise ValueError("replays are of a single hole's text")
        if position > len(self.text):
            raise ValueError(f"a hole ends at {position}, past the text's {len(self.text)} code points")

    @property
    def prefix(self) -> str:
        """The text before the first hole."""
        return self.text[: self.holes[0].start]

    @property
    def suffix(self) -> str:
        """The text after the last hole."""
        return self.text[self.holes[-1].end :]

    @property
    def segments(self) -> tuple[str, ...]:
        """The texts between neighbouring holes; empty for one hole."""
        return tuple(self.text[a.end : b.start] for a, b in zip(self.holes, self.holes[1:], strict=False))

    @property
    def middles(self) -> tuple[str, ...]:
        """What stands in the holes now."""
        return tuple(self.text[hole.start : hole.end] for hole in self.holes)

    @property
    def rewrites(self) -> bool:
        """Whether something stands in a hole, and an instruction or a recent change says what shall become of it."""
        return any(self.middles) and bool(self.instruction_words or self.changes)

    @property
    def follows(self) -> bool:
        """Whether something stands in a hole, and only a recent change says what shall become of it."""
        return self.rewrites and not self.instruction_words

    @property
    def must_be_whole(self) -> bool:
        """Whether only what breaks no syntax may be offered: something stands in a hole, nothing says what shall become
        of it, and the user has not asked for it all the same."""
        return any(self.middles) and not self.rewrites and not self.force

    @property
    def instruction_words(self) -> str:
        """The instruction without blanks around it; empty where there is none."""
        return (self.instruction or "").strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An unfinished candidate: per hole, (text piece, its entropy in nats) in order."""

    pieces: tuple[tuple[tuple[str, float], ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A filled middle on offer, one text a hole. score: higher is better, comparable within one request only.
    worst_entropy: nats, the least certain token kept. worst_line_nll: nats, the negative log-probability of its least
    likely line; that and added_errors, of syntax, are what the gate looks at. passes: model forwards the whole request
    had spent by then."""

    texts: tuple[str, ...]
    score: float
    worst_entropy: float
    worst_line_nll: float
    added_errors: int
    passes: int
    stop_reason: StopReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """Nothing to offer, and why. limit: tokens that there is room for, where there is too much."""

    reason: RejectReason
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FillStats:
    """What a request cost. ms: milliseconds by stage (prefill, denoise, rank). token_positions: decoder and scoring
    positions computed, padding included. free_tokens: free positions of the largest batch, all its rows together."""

    passes: int = 0
    token_positions: int = 0
    context_tokens: int = 0
    cached_tokens: int = 0
    free_tokens: int = 0
    ms: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One model forward was spent; the pipeline yields one of these after each, so that its driver can show the
    draft, serve somebody else in between, or stop."""

    stage: Literal["prefill", "denoise", "score"]
    draft: Draft | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """The pipeline's last word: candidates, best first, or the rejection that explains why there are none."""

    candidates: tuple[Candidate, ...] = ()
    rejection: Rejection | None = None
    stats: FillStats
