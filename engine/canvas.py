"""What crosses the engine's border: canvases, configuration, the state after a step, and the Denoiser protocol.

Plain numpy values only, so that the layers above can import this module without torch. Positions are canvas
positions, counted from 0; token ids are the checkpoint's. There is no mask token: which positions are free is an
explicit boolean array, never read off token ids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Literal, Protocol, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.token_set import NO_TOKENS, TokenSet

TokenIds: TypeAlias = NDArray[np.int32]
Flags: TypeAlias = NDArray[np.bool_]
Floats: TypeAlias = NDArray[np.float32]

PREFILL_TOKENS = 512
"""Of a prompt, in one forward: memory is planned for as many, and a request that is more urgent waits no longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Canvas:
    """One row of token positions to denoise.

    token_ids: [L] int32; the clamped tokens, and at free positions the warm-start tokens (ignored where the start is
        noise).
    clamped: [L] bool; True where the token is known and held.
    allowed: one entry a position; None where any id may stand, else the ids that may (edge constraints). Empty when
        no position is constrained.
    keep_start: [L] bool; True at free positions that start from `token_ids`, not from noise.
    """

    token_ids: TokenIds
    clamped: Flags
    allowed: tuple[TokenSet | None, ...] = ()
    keep_start: Flags

    def __post_init__(self) -> None:
        length = len(self.token_ids)
        if length == 0:
            raise ValueError("a canvas needs at least one position")
        if not len(self.clamped) == len(self.keep_start) == length or len(self.allowed) not in (0, length):
            raise ValueError(f"canvas arrays differ in length from its {length} tokens")
        if any(ids is not None and not len(ids) for ids in self.allowed):
            raise ValueError("a position with an empty set of allowed ids can never be filled")

    def __len__(self) -> int:
        return len(self.token_ids)

    @property
    def free_count(self) -> int:
        """Number of positions that are denoised."""
        return int(len(self) - np.count_nonzero(self.clamped))


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSize:
    """The most that one request asks of a model. positions: of all its rows in a denoising step. read_tokens: of all
    texts that are read for it, those of rows included."""

    positions: int
    read_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DenoiseConfig:
    """How a canvas is denoised.

    ramp_steps: denoising steps over which the temperature falls.
    max_denoising_steps: the hard limit of steps; a smaller limit leaves the ramp as it is.
    entropy_bound: nats; accept the lowest-entropy free positions whose entropies sum, less the largest, to at most
        this (Source: arXiv 2505.24857).
    t_max, t_min: temperature of the first step and (just past) the last of the ramp.
    stability_threshold: steps the hole's reading must have stayed unchanged to be settled.
    confidence_threshold: nats; mean entropy of the free positions below which the hole is settled.
    banned_ids: ids that no free position may take.
    clamped: "every_step" computes clamped positions with the free ones in every step, in both directions, as the model
        was trained; "read_once" computes them in the first step, blind to the holes, and keeps their keys and values.
    clamped_conditioning: what self-conditioning feeds clamped positions that are computed in every step, once a step
        has run: nothing, the clamped token, or the model's own distribution there.
    """

    ramp_steps: int = 48
    max_denoising_steps: int = 48
    entropy_bound: float = 0.1
    t_max: float = 0.8
    t_min: float = 0.4
    stability_threshold: int = 1
    confidence_threshold: float = 0.005
    banned_ids: TokenSet = NO_TOKENS
    clamped: Literal["every_step", "read_once"] = "every_step"
    clamped_conditioning: Literal["none", "token", "posterior"] = "token"

    def __post_init__(self) -> None:
        if min(self.max_denoising_steps, self.ramp_steps) < 1:
            raise ValueError(
                f"ramp_steps and max_denoising_steps must be at least 1, "
                f"not {self.ramp_steps} and {self.max_denoising_steps}"
            )
        if not 0 < self.t_min <= self.t_max:
            raise ValueError(f"temperatures need 0 < t_min <= t_max, not t_min {self.t_min} and t_max {self.t_max}")


@dataclass(frozen=True, slots=True, kw_only=True)
class HoleState:
    """A run of F free positions after a denoising step; k of the likeliest ids are listed.

    argmax_ids: [F] int32, the greedy reading. entropy: [F] nats, of the processed distribution.
    top_ids, top_log_probs: [F, k], best first; minus infinity where fewer ids may stand.
    """

    argmax_ids: TokenIds
    entropy: Floats
    top_ids: TokenIds
    top_log_probs: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class RowState:
    """A row after a denoising step. holes: its runs of free positions, in order. settled: their reading is stable and
    confident."""

    holes: tuple[HoleState, ...]
    settled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchState:
    """All rows after denoising step `step` (counted from 1).

    token_positions: positions the decoder computed in this step, padding included; 0 where nothing had to run.
    """

    step: int
    rows: tuple[RowState, ...]
    token_positions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreQuery:
    """A row to be read left to right after the context, [L] tokens.

    begin: the position of the first token whose log-probability is wanted.
    allowed: by position, the only ids that may stand there, which share all of the probability; any where not given.
    """

    token_ids: TokenIds
    begin: int = 0
    allowed: Mapping[int, TokenSet] = field(default_factory=dict[int, TokenSet])


@dataclass(frozen=True, slots=True, kw_only=True)
class RowScores:
    """The encoder's predictions for the N = L - begin last tokens of a row that was read left to right.

    log_probs: [N] nats, of the row's own tokens. entropy: [N] nats, of the predicted distribution.
    top_ids, top_log_probs: [N, k], the likeliest ids, best first; minus infinity where fewer may be named.
    """

    log_probs: Floats
    entropy: Floats
    top_ids: TokenIds
    top_log_probs: Floats

    def part(self, begin: int, end: int) -> Self:
        """The predictions for some of these tokens."""
        own = slice(begin, end)
        return replace(
            self,
            log_probs=self.log_probs[own],
            entropy=self.entropy[own],
            top_ids=self.top_ids[own],
            top_log_probs=self.top_log_probs[own],
        )


class Reader(Protocol):
    """Reads rows left to right over one context. Prefixes that rows share are computed once, in this call or an earlier
    one (a token tree)."""

    @property
    def token_positions(self) -> int:
        """Positions computed so far; a call that finds all its rows in the tree runs no forward and adds none."""
        ...

    def read(self, queries: Sequence[ScoreQuery]) -> tuple[RowScores, ...]:
        """The scores of each query's row, computed in one forward.

        Raises:
            ValueError: a row is empty or holds an id outside the vocabulary, or only banned ids are allowed.
        """
        ...


class Stepper(Protocol):
    """A batch of canvases over one context, denoised one step a call. To cancel, stop calling."""

    def step(self) -> BatchState:
        """Run one denoising step on every row that has not settled; a settled row keeps its state."""
        ...

    def replace(self, row: int, canvas: Canvas, carried: NDArray[np.int32]) -> None:
        """Put another canvas in `row`. `carried` [L_new]: the old position each new one comes from, -1 where it was
        inserted (it starts from noise, or `keep_start`, and has no self-conditioning)."""
        ...


class Context(Protocol):
    """A prefilled prompt, pinned in the pool until it is released. Usable as a `with` block.

    token_count: tokens it holds. cached_count: those of them that were reused and not computed again.
    """

    @property
    def token_count(self) -> int: ...
    @property
    def cached_count(self) -> int: ...
    def release(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Denoiser(Protocol):
    """A resident model. Stateless between calls but for its weights and its prefilled contexts."""

    @property
    def vocabulary_size(self) -> int: ...

    @property
    def max_context_tokens(self) -> int:
        """Longest prompt `prefill` accepts."""
        ...

    def prefill(self, token_ids: TokenIds) -> Context:
        """Encode a prompt, reusing the longest common token prefix of what the pool holds.

        Raises:
            ContextTooLongError: the prompt does not fit the pool.
        """
        ...

    def start(
        self, context: Context, canvases: Sequence[Canvas], *, seeds: Sequence[int], config: DenoiseConfig
    ) -> Stepper:
        """Begin denoising a batch; one seed a row. A row's result depends on its context, canvas, seed and config only;
        nothing that is decided of a row depends on another.

        The same batch gives the same result to the last bit, on every device. A row alone or among others is read,
        accepted and drawn alike in float32 on a CPU, its entropies within a thousandth of a nat. On a card it is so but
        for rounding: libraries choose kernels by the number of rows, and attention sums a row's keys up in blocks that
        begin where it stands, so that in bfloat16 near equals may change places, and what follows from them.
        `python -m bench.gpu_day` tells how many do."""
        ...

    def reader(self, context: Context, *, banned_ids: TokenSet = NO_TOKENS) -> Reader:
        """A reader of rows after the context. banned_ids: not named among the likeliest ids."""
        ...
