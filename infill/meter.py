"""What one request costs and how much time it has left; the only mutable thing in a request's run."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from time import perf_counter
from typing import Literal, TypeAlias

from engine.canvas import Context
from infill.request import FillStats

Stage: TypeAlias = Literal["prefill", "denoise", "rank"]


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

    def count_prefill(self, context: Context) -> None:
        """Note a prefilled context; it took a forward only where it was not all there already."""
        self._context_tokens, self._cached_tokens = context.token_count, context.cached_count
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
