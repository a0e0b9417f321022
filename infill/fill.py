"""The pipeline: request → layout → proposals → scores → rank → candidates.

Deterministic: a request with its seed gives the same candidates every time. Nothing is remembered between requests;
closing the generator stops the work and releases the context.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from engine.canvas import PREFILL_TOKENS, Context, DenoiseConfig, Denoiser, TokenIds
from engine.token_set import TokenSet
from infill.answer import CanvasResult, to_answer
from infill.judge.finish import finished
from infill.judge.flaws import FlawCheck
from infill.judge.score import EncoderScorer
from infill.long import begun_lines, continued, following, parts_of, rewritten
from infill.profile import Profile, ProposerName
from infill.prompt.layout import HoleMode, lay_out, resolve_mode
from infill.propose import continuation, denoise, joined, prompt_lookup, replayed_edit
from infill.request import Filled, InfillRequest, Progress, Rejection
from infill.task import Meter, Proposal, Scored, Steps, Task
from infill.text.lines import to_line_feeds
from infill.text.tokens import TextTokens

Proposer: TypeAlias = Callable[[Task, Sequence[Scored]], Steps[list[Proposal]]]
"""Proposes texts for a task's holes, as they were written or found, not cut to what belongs in the holes. Is given what
earlier stages proposed, too."""
PROPOSERS: dict[ProposerName, Proposer] = {
    "denoise": denoise.propose,
    "prompt_lookup": prompt_lookup.propose,
    "continuation": continuation.propose,
    "joined": joined.propose,
    "replayed_edit": replayed_edit.propose,
}


class Infiller:
    """Fills holes with a resident model, one request after another."""

    def __init__(self, denoiser: Denoiser, tokens: TextTokens, profile: Profile) -> None:
        context = min(profile.window.context, denoiser.max_context_tokens)
        self.profile = replace(profile, window=replace(profile.window, context=context))
        self._denoiser = denoiser
        self._tokens = tokens
        # An embedding may have rows that belong to no token.
        self._banned = tokens.banned_in_hole | TokenSet.of(range(tokens.size, denoiser.vocabulary_size))
        self._banned_in_line = self._banned | tokens.newline_ids

    def fill(self, request: InfillRequest) -> Generator[Progress | Filled]:
        """Fill the request's holes: a `Progress` after each model forward, and `Filled` last."""
        yield (yield from self._answer(request, Meter(request.deadline_ms, share=self.profile.denoising_share)))

    def _answer(self, request: InfillRequest, meter: Meter) -> Steps[Filled]:
        if request.prefill_only:
            return (yield from self._prefill(request, meter))
        request = replace(request, max_line_nll=self.profile.gate.max_line_nll(request))
        parts = parts_of(request, self._tokens, self.profile)
        if isinstance(parts, Rejection):
            return Filled(rejection=parts, stats=meter.stats())
        if len(parts) > len(request.holes):
            return (yield from rewritten(request, parts, partial(self._fill_holes, meter=meter), meter))
        return (yield from self._fill_holes(request, meter))

    def _prefill(self, request: InfillRequest, meter: Meter) -> Steps[Filled]:
        """Prefill the prompt and fill nothing in."""
        layout = lay_out(request, self._tokens, self.profile.for_request(request).window)
        if isinstance(layout, Rejection):
            return Filled(rejection=layout, stats=meter.stats())
        context = yield from self._prefilled(layout.context_ids, meter)
        context.release()
        return Filled(stats=meter.stats())

    def _prefilled(self, ids: TokenIds, meter: Meter) -> Steps[Context]:
        """The context of a prompt. A request that is more urgent gets its turn between two forwards."""
        computed = 0
        for stop in range(PREFILL_TOKENS, len(ids), PREFILL_TOKENS):
            with meter.timed("prefill"), self._denoiser.prefill(ids[:stop]) as begun:
                meter.count_prefill(begun, computed=computed)
                computed += begun.token_count - begun.cached_count
            # Another request may take its room meanwhile, and what is lost is computed again.
            yield Progress(stage="prefill")
        with meter.timed("prefill"):
            context = self._denoiser.prefill(ids)
        meter.count_prefill(context, computed=computed)
        return context

    def _fill_holes(self, request: InfillRequest, meter: Meter) -> Steps[Filled]:
        """Fill holes that share a canvas; a block that is longer goes on in others."""
        result = yield from self._fill_canvas(request, meter)
        if isinstance(result, Rejection):
            return Filled(rejection=result, stats=meter.stats())
        results, part, kept = [result], request, None
        while result.begun is not None and len(results) < self.profile.max_canvases and not meter.late:
            part, kept = following(part, result.begun.texts[0] + "\n"), continued(kept, result.begun)
            result = yield from self._fill_canvas(part, meter)
            if isinstance(result, Rejection):
                break
            longer = [continued(kept, scored) for scored in result.pool]
            if not longer and request.suffix[:1] in ("", "\n", "\r"):
                longer = [kept]  # Nothing follows on the line, so the lines that were kept are all of the text.
            results.insert(0, replace(result, pool=longer))
        return to_answer(request, results, self.profile, meter)

    def _fill_canvas(self, request: InfillRequest, meter: Meter) -> Steps[CanvasResult | Rejection]:
        """Lay a request out, have each stage propose, and score what they propose."""
        profile = self.profile.for_request(request)
        only_replays = {name for stage in profile.stages for name in stage} == {"replayed_edit"}
        if request.follows and only_replays and not request.replays:
            return Rejection(reason="unchanged")
        layout = lay_out(request, self._tokens, profile.window)
        if isinstance(layout, Rejection):
            return layout
        context = yield from self._prefilled(layout.context_ids, meter)
        with context:
            yield Progress(stage="prefill")
            mode = resolve_mode(request)
            task = Task(
                request=request,
                mode=mode,
                layout=layout,
                check=FlawCheck(
                    around=layout.around,
                    middles=layout.middles,
                    language=layout.fence.language,
                    others=[to_line_feeds(snippet.text) for snippet in request.snippets],
                ),
                denoiser=self._denoiser,
                context=context,
                reader=self._denoiser.reader(context, banned_ids=self._banned),
                config=self.denoise_config(mode, replaced=any(layout.middles)),
                banned_in_line=self._banned_in_line,
                profile=profile,
                meter=meter,
            )
            return (yield from _search(task))

    def denoise_config(self, mode: HoleMode, *, replaced: bool) -> DenoiseConfig:
        """How holes are denoised. Within a line there are no line ends; where nothing follows a text, one says that it
        is shorter than its hole."""
        steps = self.profile.replaced_steps if replaced else self.profile.steps[mode]
        banned = self._banned_in_line if mode == "within" else self._banned
        return replace(self.profile.denoise, max_denoising_steps=steps, banned_ids=banned)


def _search(task: Task) -> Steps[CanvasResult]:
    """Proposers propose, the encoder scores."""
    scorer, pool, rejections = EncoderScorer(task), list[Scored](), list[Rejection]()
    for stage in task.profile.stages:
        if pool and task.meter.late:
            break
        proposals: list[Proposal] = []
        for name in stage:
            raw = yield from PROPOSERS[name](task, pool)
            with task.meter.timed("rank"):
                for own in (finished(proposal, task) for proposal in raw):
                    if isinstance(own, Rejection):
                        rejections.append(own)
                    else:
                        proposals.append(own)
        pool += yield from scorer.score(unseen(proposals, pool))
    return CanvasResult(pool=pool, rejections=rejections, check=task.check, begun=begun_lines(pool, task))


def unseen(proposals: Sequence[Proposal], pool: Sequence[Scored]) -> list[Proposal]:
    """Proposals of texts that are not scored yet, each text once; a copy lends its probability to a proposal of the
    same text."""
    known = {scored.texts for scored in pool}
    fresh: dict[tuple[str, ...], Proposal] = {}
    for proposal in proposals:
        if proposal.texts not in known:
            first = fresh.setdefault(proposal.texts, proposal)
            fresh[proposal.texts] = replace(first, copy_prob=max(first.copy_prob, proposal.copy_prob))
    return list(fresh.values())
