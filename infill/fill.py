"""The pipeline: request → layout → canvases → denoised rows → readings → scores → candidates.

Deterministic: a request with its seed gives the same candidates every time. Nothing is remembered between requests;
closing the generator stops the work and releases the context.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace

from engine.canvas import DenoiseConfig, Denoiser
from infill.answer import to_answer
from infill.beam import Ids, ids_of
from infill.candidate import Reading
from infill.continuation import after, joined, settled_lines
from infill.layout import Layout, lay_out
from infill.length import Ladder, Lengths, fits
from infill.lookup import copies
from infill.meter import Meter
from infill.mode import HoleMode, resolve_mode
from infill.offer import Found, Offer
from infill.passage import to_line_feeds
from infill.profile import Profile
from infill.rank import Weights
from infill.request import Filled, InfillRequest, Progress, Rejection
from infill.search import Search
from infill.statements import Statements
from infill.tokens import TextTokens
from infill.window import Budget
from infill.words import completions, known_words
from infill.writer import Extension

# What may stand right after lines that are all of a text.
_LINE_ENDS = ("", "\n", "\r")


@dataclass(frozen=True, slots=True, kw_only=True)
class HoleSettings:
    """How holes are denoised, where that differs from whole answers.

    max_denoising_steps: a hole between clamped texts is read in a few steps or not at all; steps are better spent on
        more lengths.
    entropy_bound: nats; several times the stock bound, since the clamped text already decides most of a short hole.
    confidence_threshold: nats; a mean entropy of the free positions that a determined text stays well below.
    stability_threshold: steps for which a reading has stayed the same by then.
    lengths: decides how long a hole may be.
    noise: a text that is edited is itself what rows of its own length start from: one for each of these shares of its
        tokens, which are noise.
    rounds: canvases that one hole's text may take, one after the other.
    sure: nats up to which a line's least certain token leaves it settled while the lines after it are tried again; None
        where only what is longer than a canvas goes on in another one.
    weights: of what candidates are ranked by.
    most_repairs: other endings tried for a reading that breaks the syntax, and other tokens where no reading is whole
        then; about a millisecond each. Where others are whole, a reading to a line's end is left as it is.
    most_copies: texts that stand elsewhere as one might stand in an empty hole, and are read, too; of them as many as
        end the word that it begins in.
    most_bridges: texts that are read, too, where the best text breaks the syntax: they end the line of one side of a
        single empty hole and begin that of the other.
    extensions: how the encoder goes on from what was denoised in an empty hole, by mode; nothing is gained for others.
    """

    max_denoising_steps: int = 3
    entropy_bound: float = 0.4
    confidence_threshold: float = 0.2
    stability_threshold: int = 1
    lengths: Lengths = field(default_factory=Ladder)
    noise: tuple[float, ...] = (0.0, 0.3, 0.6, 1.0)
    rounds: int = 4
    sure: float | None = None
    weights: Weights = field(default_factory=Weights)
    most_repairs: int = 6
    most_copies: int = 4
    most_bridges: int = 4
    extensions: Mapping[HoleMode, Extension] = field(
        default_factory=lambda: {
            "line": Extension(denoising_steps=1, passes=6),
            "within": Extension(denoising_steps=2, passes=4),
        }
    )


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
        profile: Profile | None = None,
        trust_encoder: bool = True,
    ) -> None:
        """config: the checkpoint's own; `settings` says where holes differ. budget: tokens a request may take; the
        denoiser's limit holds as well. profile: what is tuned for the checkpoint. trust_encoder: whether candidates are
        ranked by what the encoder makes of them; see `infill.rank.scores_sanely`."""
        settings, budget = settings or HoleSettings(), budget or Budget()
        self._settings = settings
        self._profile = profile or Profile()
        weights = settings.weights
        self._weights = weights if trust_encoder else replace(weights, likelihood=0.0)
        self._denoiser = denoiser
        self._tokens = tokens
        self._budget = replace(budget, context=min(budget.context, denoiser.max_context_tokens))
        # An embedding may have rows that belong to no token.
        banned = tokens.banned_in_hole.union(range(tokens.size, denoiser.vocabulary_size))
        own = replace(
            config,
            max_denoising_steps=settings.max_denoising_steps,
            entropy_bound=settings.entropy_bound,
            confidence_threshold=settings.confidence_threshold,
            stability_threshold=settings.stability_threshold,
            banned_ids=banned,
        )
        # Within a line there are no line ends. Where nothing comes after a text, one says that it is shorter than its
        # hole.
        within = replace(own, banned_ids=banned | tokens.newline_ids)
        self._configs: dict[HoleMode, DenoiseConfig] = dict.fromkeys(("line", "block", "across"), own)
        self._configs["within"] = within

    def config(self, request: InfillRequest) -> DenoiseConfig:
        """How a request's holes are denoised."""
        return self._configs[resolve_mode(request)]

    def fill(self, request: InfillRequest, *, lengths: Lengths | None = None) -> Generator[Progress | Filled]:
        """Fill the request's holes: a `Progress` after each model forward, and `Filled` last. lengths: decides which
        lengths to try, in place of the settings' own; what it gives is then the whole length."""
        meter = Meter(request.deadline_ms)
        request = replace(request, most_doubt=self._profile.gate.most_doubt(request))
        rounds = self._settings.rounds if lengths is None and len(request.holes) == 1 else 1
        part = request
        written: Reading | None = None
        offers: list[Offer] = []
        while True:
            rounds -= 1
            found = yield from self._search(part, lengths or self._settings.lengths, meter)
            lines = 0
            if found.offers:
                best = found.offers[0].reading
                if rounds and not meter.late:
                    lines = settled_lines(best, self._settings.sure, unended=found.unended)
                offers = [replace(offer, reading=joined(written, offer.reading)) for offer in found.offers] + offers
                if lines:
                    kept = best.cut(lines)
                    part, written = after(part, kept.texts[0] + "\n"), joined(written, kept)
            elif written is not None and request.suffix[:1] in _LINE_ENDS:
                # Nothing comes after what was kept, so that is all of it.
                offers = [replace(offers[0], reading=written), *offers]
            if not lines:
                break
        yield to_answer(request, offers, found.rejections, meter)

    def _search(self, request: InfillRequest, lengths: Lengths, meter: Meter) -> Generator[Progress, None, Found]:
        """One canvas: what a request's holes may hold as far as it reaches."""
        layout = lay_out(request, self._tokens, self._budget)
        if isinstance(layout, Rejection):
            return Found([], [layout])
        with meter.timed("prefill"):
            context = self._denoiser.prefill(layout.context_ids)
        with context:
            meter.count_prefill(context)
            yield Progress(stage="prefill")
            mode = resolve_mode(request)
            with meter.timed("rank"):
                statements = Statements.of(layout.around, layout.middles, layout.fence.language)
                copied = self._copies(request, layout, mode, lengths.exact)
                snippets = [to_line_feeds(snippet.text) for snippet in request.snippets]
                words = known_words([*layout.around, *snippets], layout.fence.language)
            search = Search(
                request=request,
                mode=mode,
                layout=layout,
                statements=statements,
                copies=copied,
                words=words,
                denoiser=self._denoiser,
                context=context,
                configs=self._configs,
                lengths=lengths,
                meter=meter,
                noise=self._settings.noise,
                weights=self._weights,
                most_repairs=self._settings.most_repairs,
                most_bridges=self._settings.most_bridges,
                extensions=self._settings.extensions,
            )
            return (yield from search.run())

    def _copies(
        self, request: InfillRequest, layout: Layout, mode: HoleMode, exact: int | None
    ) -> list[dict[Ids, float]]:
        """What each of a request's holes may hold since it stands elsewhere in what the model is shown; nothing where
        texts stand in them. exact: how many tokens, None where nobody knows."""
        found: list[dict[Ids, float]] = []
        snippets = [to_line_feeds(snippet.text) for snippet in request.snippets]
        count = 0 if any(layout.middles) else self._settings.most_copies
        for hole in range(len(layout.edges)):
            before, after = layout.around[hole : hole + 2]
            others = [*layout.around[:hole], *layout.around[hole + 2 :], *snippets]
            likely = copies(before, after, others=others, lines=mode != "line", count=count)
            begun = completions(before, after, others=others, count=count)
            likely = {text: (1 - sum(begun.values())) * share for text, share in likely.items()}
            likely |= {text: likely.get(text, 0.0) + share for text, share in begun.items()}
            ids = {ids_of(layout.encode_middle(hole, text)): share for text, share in likely.items()}
            found.append({own: ids[own] for own in ids if fits(len(own), exact=exact, room=layout.room)})
        return found
