"""Texts longer than a canvas, which go through several, one after the other.

A rewrite is done part by part. A part is a few whole statements, or lines where no grammar tells, and sees the others
in its prompt: those before it as they were rewritten, those after it as they stand. What lies between parts is blank
and stays. A block that fills the longest hole goes on in another canvas, behind its whole lines.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

from infill.judge.score import ranked
from infill.profile import Profile
from infill.prompt.layout import lay_out
from infill.request import Candidate, Draft, Filled, InfillRequest, Rejection, Span, StopReason
from infill.syntax.statements import cuts
from infill.task import Meter, Scored, Steps, Task
from infill.text.languages import language_of
from infill.text.lines import to_line_feeds
from infill.text.tokens import TextTokens

_ENDINGS: tuple[StopReason, ...] = ("deadline", "step_limit", "settled")
"""Why parts stopped; the first that any did is why the whole did."""


def parts_of(request: InfillRequest, tokens: TextTokens, profile: Profile) -> tuple[Span, ...] | Rejection:
    """The parts of what a request rewrites, in order: its holes, but for a single one with more text than fits a canvas
    and can grow there. Rejected where there are more than the profile allows."""
    if not request.instruction_words or len(request.holes) != 1:
        return request.holes
    [hole], [middle], budget = request.holes, request.middles, profile.window
    room = int(budget.least_room / profile.growth)
    if len(middle) <= budget.canvas_reach:
        if _size(middle, tokens) <= room:
            return request.holes
        layout = lay_out(request, tokens, budget)
        if not isinstance(layout, Rejection) and len(layout.present[0]) * profile.growth <= layout.room:
            return request.holes
    if len(middle) > budget.canvas_reach * profile.max_parts:
        return Rejection(reason="too_long", limit=room * profile.max_parts)
    begin = hole.end - len(middle.lstrip())
    found = cuts(request.text, Span(start=begin, end=hole.end), language_of(request.path, request.language_id))
    places = [begin, *found, hole.end]
    sizes = [_size(request.text[start:end], tokens) for start, end in pairwise(places)]
    firsts = _firsts(sizes, [0, *found.values()], room)
    if len(firsts) > profile.max_parts:
        return Rejection(reason="too_long", limit=sum(sizes[: firsts[profile.max_parts]]))
    starts = [places[first] for first in firsts]
    return tuple(
        Span(start=start, end=start + len(request.text[start:end].rstrip()))
        for start, end in zip(starts, [*starts[1:], hole.end], strict=True)
    )


def _firsts(sizes: Sequence[int], depths: Sequence[int], room: int) -> list[int]:
    """The numbers of the lines with which parts begin: as far behind the one before as there is room for, among those
    that cut the least apart. A line longer than that is a part by itself. sizes: tokens of each line."""
    before = [0, *accumulate(sizes)]
    firsts = [0]
    while before[-1] - before[begun := firsts[-1]] > room and begun + 1 < len(sizes):
        end = bisect_right(before, before[begun] + room)  # The first line for whose beginning there is no room.
        fitting = range(begun + 1, max(min(end, len(sizes)), begun + 2))
        firsts.append(min(fitting, key=lambda first: (depths[first], -first)))
    return firsts


def _size(text: str, tokens: TextTokens) -> int:
    return len(tokens.encode(to_line_feeds(text)))


def pieces_of(request: InfillRequest, parts: Sequence[Span]) -> list[str]:
    """The text of a request's single hole, cut at its parts, which are the pieces with odd numbers."""
    [hole] = request.holes
    places = [hole.start, *(place for part in parts for place in (part.start, part.end)), hole.end]
    return [request.text[start:end] for start, end in pairwise(places)]


def rewritten(
    request: InfillRequest, parts: Sequence[Span], fill: Callable[[InfillRequest], Steps[Filled]], meter: Meter
) -> Steps[Filled]:
    """A request's parts rewritten one after the other, as one candidate, or why none of them is. A part stays as it
    stands where its answer offers nothing, or would come after a deadline. fill: answers a part as a request of its
    own."""
    pieces, answers = pieces_of(request, parts), list[Filled]()
    for number in range(1, len(pieces), 2):
        if answers and meter.late:
            break
        before, after = "".join(pieces[:number]), "".join(pieces[number + 1 :])
        part = _part(request, before, pieces[number], after)
        answer = yield from _with_whole_drafts(fill(part), before, after)
        # What a deadline has cut short is less than there is already, unless there is nothing else.
        if answer.candidates and not (answers and answer.candidates[0].stop_reason == "deadline"):
            pieces[number] = answer.candidates[0].texts[0]
        answers.append(answer)
    changed = [answer.candidates[0] for answer in answers if answer.candidates]
    if not changed:
        reasons = Counter(answer.rejection for answer in answers)
        return Filled(rejection=reasons.most_common(1)[0][0], stats=meter.stats())
    ended = {"settled" if len(answers) == len(parts) else "deadline", *(own.stop_reason for own in changed)}
    whole = Candidate(
        texts=("".join(pieces),),
        score=sum(own.score for own in changed),
        worst_entropy=max(own.worst_entropy for own in changed),
        worst_line_nll=max(own.worst_line_nll for own in changed),
        added_errors=sum(own.added_errors for own in changed),
        passes=meter.passes,
        stop_reason=next(reason for reason in _ENDINGS if reason in ended),
    )
    return Filled(candidates=(whole,), stats=meter.stats())


def _part(request: InfillRequest, before: str, part: str, after: str) -> InfillRequest:
    """A part of a request's hole as a request of its own. before, after: the rest of the hole's text."""
    start = len(request.prefix) + len(before)
    text = request.prefix + before + part + after + request.suffix
    return replace(request, text=text, holes=(Span(start=start, end=start + len(part)),), n=1)


def _with_whole_drafts(steps: Steps[Filled], before: str, after: str) -> Steps[Filled]:
    """The work on a part, its drafts as drafts of the whole; what is not under way has no entropy."""
    left, right = ([(to_line_feeds(text), 0.0)] if text else [] for text in (before, after))
    try:
        while True:
            progress = next(steps)
            if progress.draft is not None:
                [pieces] = progress.draft.pieces
                progress = replace(progress, draft=Draft(pieces=((*left, *pieces, *right),)))
            yield progress
    except StopIteration as stop:
        return stop.value
    finally:
        steps.close()


def begun_lines(pool: Sequence[Scored], task: Task) -> Scored | None:
    """The lines to keep where the best of a pool is a block that fills the longest hole to its end: all but the last,
    which is hardly whole. None where it ends by itself, or has one line."""
    if task.mode != "block" or task.layout.middles != ("",) or not pool:
        return None
    best = next(ranked(pool, task.profile.weights))
    if best.proposal.source != "denoise":
        return None
    longest = task.profile.lengths.of(task.mode, task.layout.room)[-1]
    if len(best.proposal.token_ids[0]) < longest:
        return None
    kept = best.first_lines(best.texts[0].count("\n"))
    return kept if kept.texts[0].strip() else None


def continued(before: Scored | None, scored: Scored) -> Scored:
    """A text behind the lines that were kept before."""
    if before is None:
        return scored
    proposal = replace(scored.proposal, texts=(f"{before.texts[0]}\n{scored.texts[0]}",))
    return replace(scored, proposal=proposal, line_nll=before.line_nll + scored.line_nll)


def following(request: InfillRequest, written: str) -> InfillRequest:
    """The request with a text before its single hole, which nothing has to begin any more."""
    [hole] = request.holes
    start = (request.must_start_with or "") + written
    return replace(
        request,
        text=request.text[: hole.start] + start + request.text[hole.start :],
        holes=(Span(start=hole.start + len(start), end=hole.end + len(start)),),
        must_start_with=None,
    )
