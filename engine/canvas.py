"""What crosses the engine's border: canvases, configuration, the state after a step, and the Denoiser protocol.

Plain numpy values only, so that the layers above can import this module without torch. Positions are canvas
positions, counted from 0; token ids are the checkpoint's. There is no mask token: which positions are free is an
explicit boolean array, never read off token ids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Protocol, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

TokenIds: TypeAlias = NDArray[np.int32]
Flags: TypeAlias = NDArray[np.bool_]
Floats: TypeAlias = NDArray[np.float32]


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
    allowed: tuple[frozenset[int] | None, ...] = ()
    keep_start: Flags

    def __post_init__(self) -> None:
        length = len(self.token_ids)
        if length == 0:
            raise ValueError("a canvas needs at least one position")
        if not len(self.clamped) == len(self.keep_start) == length or len(self.allowed) not in (0, length):
            raise ValueError(f"canvas arrays differ in length from its {length} tokens")
        if any(ids is not None and not ids for ids in self.allowed):
            raise ValueError("a position with an empty set of allowed ids can never be filled")

    def __len__(self) -> int:
        return len(self.token_ids)

    @property
    def free_count(self) -> int:
        """Number of positions that are denoised."""
        return int(len(self) - np.count_nonzero(self.clamped))


@dataclass(frozen=True, slots=True, kw_only=True)
class DenoiseConfig:
    """How a canvas is denoised. Exactly one of `entropy_bound` and `accept_probability` decides what is accepted.

    max_denoising_steps: steps of the temperature ramp and the hard limit.
    entropy_bound: nats; accept the lowest-entropy free positions whose entropies sum, less the largest, to at most
        this (Source: arXiv 2505.24857).
    accept_probability: accept the free positions whose sampled token is at least this probable; None to use the bound.
    t_max, t_min: temperature of the first and (just past) the last step.
    stability_threshold: steps the hole's reading must have stayed unchanged to be settled.
    confidence_threshold: nats; mean entropy of the free positions below which the hole is settled.
    banned_ids: ids that no free position may take.
    """

    max_denoising_steps: int = 48
    entropy_bound: float = 0.1
    accept_probability: float | None = None
    t_max: float = 0.8
    t_min: float = 0.4
    stability_threshold: int = 1
    confidence_threshold: float = 0.005
    banned_ids: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        if self.max_denoising_steps < 1:
            raise ValueError(f"max_denoising_steps must be at least 1, not {self.max_denoising_steps}")
        if not 0 < self.t_min <= self.t_max:
            raise ValueError(f"temperatures need 0 < t_min <= t_max, not t_min {self.t_min} and t_max {self.t_max}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RowState:
    """One row after a denoising step; arrays are at the row's own length, padding removed.

    Free positions alone are read, since each costs a product with the whole vocabulary; of the others nothing is
    believed, which is NaN, or -1 for an id.

    argmax_ids: [L] int32; the greedy reading (clamped tokens at clamped positions).
    entropy: [L] nats of the processed distribution.
    present_nll: [L] nats; negative log-probability of the token that stood there when the step began.
    top_ids, top_log_probs: [L, k]; the k likeliest ids, best first.
    accepted: [L] bool; True where the sampled token was kept (clamped positions count as accepted).
    settled: the hole's reading is stable and confident.
    """

    argmax_ids: TokenIds
    entropy: Floats
    present_nll: Floats
    top_ids: TokenIds
    top_log_probs: Floats
    accepted: Flags
    settled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RowScores:
    """What was expected of a row, read left to right; of its last L tokens, which were asked about.

    log_probs: [L] nats, of the row's own tokens. entropy: [L] nats, of what might have stood there.
    top_ids, top_log_probs: [L, k]; the k likeliest ids there, best first; minus infinity where fewer may be named.
    """

    log_probs: Floats
    entropy: Floats
    top_ids: TokenIds
    top_log_probs: Floats

    def part(self, begin: int, end: int) -> Self:
        """Of some of these tokens."""
        own = slice(begin, end)
        return replace(
            self,
            log_probs=self.log_probs[own],
            entropy=self.entropy[own],
            top_ids=self.top_ids[own],
            top_log_probs=self.top_log_probs[own],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """All rows after they were read left to right. token_positions: that were computed. read: what the denoiser keeps
    of it for rows that begin like these; nobody else knows what it is."""

    rows: tuple[RowScores, ...]
    token_positions: int
    read: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchState:
    """All rows after denoising step `step` (counted from 1).

    token_positions: positions the decoder computed in this step, padding included; 0 where nothing had to run.
    """

    step: int
    rows: tuple[RowState, ...]
    token_positions: int


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
        """Begin denoising a batch; one seed a row. A row's result depends on its context, canvas, seed and config
        only, not on its neighbours in the batch."""
        ...

    def score(
        self,
        context: Context,
        rows: Sequence[TokenIds],
        *,
        begins: Sequence[int] = (),
        after: Scores | None = None,
        banned_ids: frozenset[int] = frozenset(),
        allowed: Sequence[Mapping[int, frozenset[int]]] = (),
    ) -> Scores:
        """Read rows left to right after the context. begins: of each row, the place of the first token that is asked
        about; 0 where not given. after: what came of reading others over the same context; what rows have in common
        with those is not computed again. banned_ids: not to be named among the likeliest. allowed: of each row, by
        place, the only ids that may stand there, which share all of its probability; any where not given."""
        ...
