"""Ways to fill a hole, side by side on the same checkpoint: what each answers and what it spent."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from time import perf_counter
from typing import TypeAlias

import numpy as np

from bench import cal
from bench.answers import Answer
from bench.cases import OWN_SPLITS, TUNING, Case
from bench.cases import load as load_cases
from engine.checkpoint.config import denoise_config
from engine.quant.scheme import Scheme
from engine.reference import ReferenceDenoiser
from engine.weights.load import load
from infill.fill import Infiller
from infill.judge.score import scores_sanely
from infill.profile import Lengths, Profile, profile_for
from infill.prompt.layout import HoleMode, Layout, lay_out, resolve_mode
from infill.request import Confidence, Filled, InfillRequest, Progress, Span
from infill.text.tokens import TextTokens

CONFIDENCES: tuple[Confidence, ...] = ("shy", "normal", "bold")
NAMES = ("stock", "fixed", "cal", "ours", "oracle", *CONFIDENCES, "open")
FIXED_LENGTHS = (4, 8, 16, 32, 64)
OPEN = 100.0
"""Nats that hold nothing back."""
_BIAS_CASES = 10

Method: TypeAlias = Callable[[Case], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownLength(Lengths):
    """The one length, in tokens, that a hole's text has, whoever proposes it."""

    tokens: int

    def of(self, mode: HoleMode, room: int) -> tuple[int, ...]:
        return (min(self.tokens, room),)

    def around(self, own: Sequence[int], room: int) -> list[tuple[int, ...]]:
        return [(self.tokens,)]

    def possible(self, room: int) -> range:
        return range(self.tokens, self.tokens + 1)


def with_known_length(profile: Profile, tokens: int) -> Profile:
    """A profile for one hole, in one canvas, whose text's length is known."""
    return replace(profile, lengths=KnownLength(tokens=tokens), max_canvases=1, max_parts=1, growth=1.0)


@dataclass(frozen=True)
class Model:
    """A checkpoint's directory and the methods over it; each loads what it needs when it is first used."""

    directory: Path
    device: str
    scheme: Scheme = "none"

    def method(self, name: str) -> Method:
        """A method by its name.

        Raises:
            SystemExit: there is no such method.
        """
        methods: dict[str, Method] = {
            "stock": self.stock,
            "fixed": self.fixed,
            "cal": self.cal,
            "ours": self.ours,
            "oracle": self.oracle,
            "open": self.open,
            **{confidence: partial(self.unasked, confidence) for confidence in CONFIDENCES},
        }
        if name not in methods:
            raise SystemExit(f"no method {name!r}: choose among {', '.join(NAMES)}")
        return methods[name]

    @cached_property
    def tokens(self) -> TextTokens:
        return TextTokens.load(self.directory)

    @cached_property
    def denoiser(self) -> ReferenceDenoiser:
        return load(self.directory, device=self.device, scheme=self.scheme)

    @cached_property
    def infiller(self) -> Infiller:
        return self.infiller_with(self.profile)

    @cached_property
    def profile(self) -> Profile:
        """The checkpoint's own."""
        return profile_for(self.directory, denoise_config(self.directory))

    def infiller_with(self, profile: Profile) -> Infiller:
        """The product over the resident model with a profile."""
        trusted = profile.trust_encoder and self._scores_sanely
        return Infiller(self.denoiser, self.tokens, replace(profile, trust_encoder=trusted))

    @cached_property
    def _scores_sanely(self) -> bool:
        sane = scores_sanely(self.denoiser, self.tokens)
        if not sane:
            print("This encoder does not score code sanely: candidates are ranked without it.", file=sys.stderr)
        return sane

    def stock(self, case: Case) -> Answer:
        """What transformers' `generate` writes when it is asked in a chat."""
        return self._stock(case)

    @cached_property
    def _stock(self) -> Method:
        # Imported here, because it loads transformers' model beside ours.
        from bench.stock import Stock

        return Stock(self.directory, self.tokens, self.profile.window, device=self.device)

    def ours(self, case: Case) -> Answer:
        """What the product does."""
        return run(self.infiller.fill(request_of(case)))

    def open(self, case: Case) -> Answer:
        """What the product would show where nobody asked for it, however unlikely it is."""
        return run(self.infiller.fill(replace(request_of(case), max_line_nll=OPEN)))

    def unasked(self, confidence: Confidence, case: Case) -> Answer:
        """What the product shows where nobody asked for it."""
        return run(self.infiller.fill(replace(request_of(case), confidence=confidence)))

    def oracle(self, case: Case) -> Answer:
        """The true length, everything else as `ours`: the bound for whatever decides lengths."""
        layout = lay_out(
            InfillRequest(text=case.text, holes=(case.hole,), path=case.path), self.tokens, self.profile.window
        )
        if not isinstance(layout, Layout):
            return Answer(middle=None, passes=0, token_positions=0, ms=0.0)
        return self.at_length(request_of(case), len(layout.present[0]))

    def fixed(self, case: Case) -> Answer:
        """A length that depends on nothing in the case: each has one of `FIXED_LENGTHS`, so that a mean over cases is
        one over lengths too."""
        length = FIXED_LENGTHS[zlib.crc32(case.name.encode()) % len(FIXED_LENGTHS)]
        return self.at_length(request_of(case), length)

    def cal(self, case: Case) -> Answer:
        """The length that calibrated confidence finds, everything else as `ours`."""
        request = request_of(case)
        layout = lay_out(request, self.tokens, self.profile.window)
        if not isinstance(layout, Layout):
            return Answer(middle=None, passes=0, token_positions=0, ms=0.0)
        spent: list[int] = []
        began = perf_counter()
        with self.denoiser.prefill(layout.context_ids) as context:
            prefilled = context.token_count - context.cached_count
            confidence = self._confidence(request, layout, spent)
            start = cal.first_guess(resolve_mode(request))
            length = cal.climb(confidence, self._bias, start=start, most=layout.room)
            searched_ms = (perf_counter() - began) * 1_000
            answer = self.at_length(request, length)
        return Answer(
            middle=answer.middle,
            passes=answer.passes + len(spent) + (prefilled > 0),
            token_positions=answer.token_positions + sum(spent) + prefilled,
            ms=answer.ms + searched_ms,
            worst_line_nll=answer.worst_line_nll,
        )

    def true_length(self, case: Case) -> int:
        """Tokens that the truth takes in the hole, those of its edges left out."""
        return len(self.tokens.encode(case.truth))

    def at_length(self, request: InfillRequest, length: int) -> Answer:
        """What the product does where the length of its hole's text is known. Denoised in as many rows as `ours` tries
        lengths, so that knowing a length is compared with searching one, and not with fewer attempts."""
        rows = len(self.profile.lengths.of(resolve_mode(request), self.profile.window.canvas))
        infiller = self.infiller_with(with_known_length(self.profile, length))
        return run(infiller.fill(replace(request, n=rows)))

    def _confidence(self, request: InfillRequest, layout: Layout, spent: list[int]) -> cal.Confidence:
        """The confidence of a layout's hole by length; each look adds the positions computed to `spent`."""
        config = self.infiller.denoise_config(resolve_mode(request), replaced=any(request.middles))

        def confidence(length: int) -> float:
            # Prefilled already, so this only finds the context again.
            with self.denoiser.prefill(layout.context_ids) as context:
                stepper = self.denoiser.start(context, [layout.noisy([length])], seeds=[0], config=config)
                batch = stepper.step()
            spent.append(batch.token_positions)
            [hole] = batch.rows[0].holes
            return float(np.exp(hole.top_log_probs[:, 0]).mean())

        return confidence

    @cached_property
    def _bias(self) -> cal.Bias:
        return cal.Bias.fit(self._confidences())

    def _confidences(self) -> Iterator[dict[int, float]]:
        """By length, of the first tuning cases of every split."""
        for split in OWN_SPLITS:
            for case in load_cases(split, own=TUNING)[:_BIAS_CASES]:
                request = request_of(case)
                layout = lay_out(request, self.tokens, self.profile.window)
                if isinstance(layout, Layout) and layout.room >= cal.GRID[-1]:
                    confidence = self._confidence(request, layout, [])
                    yield {length: confidence(length) for length in cal.GRID}


def request_of(case: Case) -> InfillRequest:
    """What an editor would ask at a case's hole."""
    hole = Span(start=case.hole.start, end=case.hole.start + len(case.draft))
    return InfillRequest(text=case.asked, holes=(hole,), path=case.path, mode=case.mode)


def run(pipeline: Iterable[Progress | Filled]) -> Answer:
    """Drive a pipeline to its end."""
    began = perf_counter()
    *_, filled = pipeline
    if not isinstance(filled, Filled):
        raise TypeError("the pipeline ended without its last word")
    best = filled.candidates[0] if filled.candidates else None
    stats = filled.stats
    return Answer(
        middle=best.texts[0] if best else None,
        passes=stats.passes,
        token_positions=stats.token_positions + stats.context_tokens - stats.cached_tokens,
        ms=(perf_counter() - began) * 1_000,
        worst_line_nll=best.worst_line_nll if best else None,
        breaks=best is not None and best.added_errors > 0,
    )
