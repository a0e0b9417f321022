"""Ways to fill a hole, side by side on the same model: what each answers and what it spent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TypeAlias

from bench.cases import Case
from engine.configuration import denoise_config
from engine.load import load
from infill.fill import Infiller
from infill.layout import Layout, lay_out
from infill.request import Filled, InfillRequest, Progress, Span
from infill.tokens import TextTokens
from infill.window import Budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A filled middle, or None where the method offered nothing. ms: milliseconds of the whole request."""

    middle: str | None
    passes: int
    token_positions: int
    ms: float


Method: TypeAlias = Callable[[Case], Answer]


@dataclass(frozen=True, slots=True)
class Model:
    """A loaded checkpoint and the methods over it."""

    infiller: Infiller
    tokens: TextTokens
    budget: Budget

    @classmethod
    def load(cls, directory: Path, *, device: str) -> Model:
        """Load a checkpoint's directory.

        Raises:
            CheckpointError: it is missing, truncated or foreign.
        """
        tokens = TextTokens.load(directory)
        denoiser = load(directory, device=device)
        budget = Budget()
        return cls(Infiller(denoiser, tokens, denoise_config(directory), budget=budget), tokens, budget)

    def methods(self) -> dict[str, Method]:
        """Every method by its name."""
        return {"ours": self.ours, "oracle": self.oracle}

    def ours(self, case: Case) -> Answer:
        """What the product does."""
        return _run(self.infiller.fill(_request(case)))

    def oracle(self, case: Case) -> Answer:
        """The true length, everything else as `ours`: the bound for whatever decides lengths."""
        layout = lay_out(InfillRequest(text=case.text, holes=(case.hole,), path=case.path), self.tokens, self.budget)
        if not isinstance(layout, Layout):
            return Answer(middle=None, passes=0, token_positions=0, ms=0.0)
        length = len(layout.present[0])
        return _run(self.infiller.fill(_request(case), lengths=lambda *_, **__: (length,)))

    def true_length(self, case: Case) -> int:
        """Tokens that the truth takes in the hole, those of its edges left out."""
        return len(self.tokens.encode(case.truth))


def _request(case: Case) -> InfillRequest:
    at = case.hole.start
    return InfillRequest(text=case.blank, holes=(Span(start=at, end=at),), path=case.path, mode=case.mode)


def _run(pipeline: Iterable[Progress | Filled]) -> Answer:
    began = perf_counter()
    *_, filled = pipeline
    if not isinstance(filled, Filled):
        raise TypeError("the pipeline ended without its last word")
    return Answer(
        middle=filled.candidates[0].texts[0] if filled.candidates else None,
        passes=filled.stats.passes,
        token_positions=filled.stats.token_positions,
        ms=(perf_counter() - began) * 1_000,
    )
