"""The pipeline: request → layout → canvases → denoised rows → readings → scores → candidates.

Deterministic: a request with its seed gives the same candidates every time. Nothing is remembered between requests;
closing the generator stops the work and releases the context.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from engine.canvas import DenoiseConfig, Denoiser
from infill.candidate import Reading
from infill.gate import admitted
from infill.layout import Layout, lay_out
from infill.length import Ladder, Lengths
from infill.meter import Meter
from infill.mode import resolve_mode
from infill.passage import line_ending_at
from infill.request import Candidate, Filled, FillStats, InfillRequest, Progress, Rejection
from infill.search import Found, Offer, Search, by_score
from infill.syntax import unavoidable_errors
from infill.tokens import TextTokens
from infill.window import Budget


@dataclass(frozen=True, slots=True, kw_only=True)
class HoleSettings:
    """How holes are denoised, where that differs from whole answers.

    max_denoising_steps: a hole between clamped texts is read in a few steps or not at all, and each one costs the
        whole ladder of lengths.
    entropy_bound: nats; several times the stock bound, since the clamped text already decides most of a short hole.
    confidence_threshold: nats; a mean entropy of the free positions that a determined text stays well below.
    lengths: decides how long a hole may be.
    """

    max_denoising_steps: int = 5
    entropy_bound: float = 0.4
    confidence_threshold: float = 0.2
    lengths: Lengths = field(default_factory=Ladder)


class Infiller:
    """Fills holes with a resident model, one request after another."""

    def __init__(
        self,
        denoiser: Denoiser,
        tokens: TextTokens,
        config: DenoiseConfig,
        *,
        settings: HoleSettings | None = None,
        budget: Budget | None = None,
        trust_encoder: bool = True,
    ) -> None:
        """config: the checkpoint's own; `settings` says where holes differ. budget: tokens a request may take; the
        denoiser's limit holds as well. trust_encoder: whether candidates are ranked by what the encoder makes of them;
        see `infill.rank.scores_sanely`."""
        settings, budget = settings or HoleSettings(), budget or Budget()
        self._settings = settings
        self._trust_encoder = trust_encoder
        self._denoiser = denoiser
        self._tokens = tokens
        self._budget = replace(budget, context=min(budget.context, denoiser.max_context_tokens))
        # An embedding may have rows that belong to no token.
        banned = tokens.banned_in_hole.union(range(tokens.size, denoiser.vocabulary_size))
        self._block_config = replace(
            config,
            max_denoising_steps=settings.max_denoising_steps,
            entropy_bound=settings.entropy_bound,
            confidence_threshold=settings.confidence_threshold,
            banned_ids=banned,
        )
        self._line_config = replace(self._block_config, banned_ids=banned | tokens.newline_ids)

    def config(self, mode: Literal["line", "block"]) -> DenoiseConfig:
        """How a hole of this kind is denoised."""
        return self._line_config if mode == "line" else self._block_config

    def fill(self, request: InfillRequest, *, lengths: Lengths | None = None) -> Generator[Progress | Filled]:
        """Fill the request's holes: a `Progress` after each model forward, and `Filled` last. lengths: decides which
        lengths to try, in place of the settings' own."""
        meter = Meter(request.deadline_ms)
        layout = lay_out(request, self._tokens, self._budget)
        if isinstance(layout, Rejection):
            yield Filled(candidates=(), rejection=layout, stats=FillStats())
            return
        mode = resolve_mode(request)
        config = self.config(mode)
        lengths = lengths or self._settings.lengths
        with meter.timed("prefill"):
            context = self._denoiser.prefill(layout.context_ids)
        with context:
            meter.count_prefill(context)
            yield Progress(stage="prefill")
            errors_before = unavoidable_errors(layout.around, layout.middles, layout.fence.language)
            search = Search(
                request=request,
                mode=mode,
                layout=layout,
                denoiser=self._denoiser,
                context=context,
                config=config,
                lengths=lengths,
                meter=meter,
                errors_before=errors_before,
                trust_encoder=self._trust_encoder,
            )
            found = yield from search.run()
        yield _filled(request, layout, found, meter)


def _filled(request: InfillRequest, layout: Layout, found: Found, meter: Meter) -> Filled:
    """The best offers, each text once, as they go into the document; or why there are none."""
    best: dict[tuple[str, ...], Offer] = {}
    for offer in sorted(found.offers, key=by_score, reverse=True):
        best.setdefault(offer.reading.texts, offer)
    if next(iter(best), None) == layout.middles:
        return Filled(candidates=(), rejection=Rejection(reason="unchanged"), stats=meter.stats())
    best.pop(layout.middles, None)
    candidates: list[Candidate] = []
    held_back: list[Rejection] = []
    for offer in list(best.values())[: request.n]:
        shown = admitted(offer.reading, request.most_doubt, added_errors=offer.added_errors)
        if isinstance(shown, Rejection):
            held_back.append(shown)
        else:
            candidates.append(_candidate(request, offer, shown))
    # Every row was read, so there are rejections where there are no offers.
    reasons = Counter(held_back or found.rejections)
    rejection = None if candidates else reasons.most_common(1)[0][0]
    return Filled(candidates=tuple(candidates), rejection=rejection, stats=meter.stats())


def _candidate(request: InfillRequest, offer: Offer, shown: Reading) -> Candidate:
    return Candidate(
        texts=_for_document(request, shown.texts),
        score=offer.score,
        worst_entropy=shown.worst_entropy,
        passes=offer.passes,
        stop_reason=offer.row.stop_reason,
    )


def _for_document(request: InfillRequest, texts: Sequence[str]) -> tuple[str, ...]:
    """Finished texts with what was typed already, and with the line endings of the places where they go."""
    typed = [request.must_start_with or "", *[""] * (len(texts) - 1)]
    endings = [line_ending_at(request.text, hole.end) for hole in request.holes]
    return tuple(start + text.replace("\n", ending) for start, text, ending in zip(typed, texts, endings, strict=True))
