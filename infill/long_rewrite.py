"""Rewrites longer than a canvas, which go through several, one part after the other.

A part is a few whole statements, or lines where no grammar tells, and sees the others in its prompt: those before it as
they were rewritten, those after it as they stand. What lies between parts is blank and stays.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from infill.profile import Profile
from infill.prompt.layout import lay_out
from infill.proposal import Steps, T
from infill.request import Candidate, Draft, Filled, InfillRequest, Rejection, Span, StopReason
from infill.syntax.statements import cuts
from infill.task import Meter
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


@dataclass(frozen=True, slots=True, kw_only=True)
class LongRewrite:
    """A rewrite under way. pieces: the text of its hole; those with odd numbers are its parts, and the first few of
    these are rewritten. answers: to these, in order."""

    request: InfillRequest
    pieces: tuple[str, ...]
    answers: tuple[Filled, ...] = ()

    @classmethod
    def of(cls, request: InfillRequest, parts: Sequence[Span]) -> LongRewrite:
        """Nothing is rewritten yet."""
        [hole] = request.holes
        places = [hole.start, *(place for part in parts for place in (part.start, part.end)), hole.end]
        pieces = tuple(request.text[start:end] for start, end in pairwise(places))
        return cls(request=request, pieces=pieces)

    @property
    def part(self) -> InfillRequest | None:
        """The next part as a request of its own; None after the last."""
        if self._next >= len(self.pieces):
            return None
        before, part, after = self._around_next
        start = len(self.request.prefix) + len(before)
        text = self.request.prefix + before + part + after + self.request.suffix
        return replace(self.request, text=text, holes=(Span(start=start, end=start + len(part)),), n=1)

    def with_answer(self, answer: Filled) -> LongRewrite:
        """The same behind the next part, which stays as it stands where its answer offers nothing, or less than there
        is already, since a deadline cut it short."""
        pieces = self.pieces
        if answer.candidates and not (self.answers and answer.candidates[0].stop_reason == "deadline"):
            pieces = (*pieces[: self._next], answer.candidates[0].texts[0], *pieces[self._next + 1 :])
        return replace(self, pieces=pieces, answers=(*self.answers, answer))

    def shown(self, steps: Steps[T]) -> Steps[T]:
        """The work on the next part, its drafts as drafts of the whole; what is not under way has no entropy."""
        before, _, after = ([(to_line_feeds(text), 0.0)] if text else [] for text in self._around_next)
        try:
            while True:
                progress = next(steps)
                if progress.draft is not None:
                    [pieces] = progress.draft.pieces
                    progress = replace(progress, draft=Draft(pieces=((*before, *pieces, *after),)))
                yield progress
        except StopIteration as stop:
            return stop.value
        finally:
            steps.close()

    def answer(self, meter: Meter) -> Filled:
        """The whole as one candidate, or why no part of it is rewritten."""
        changed = [answer.candidates[0] for answer in self.answers if answer.candidates]
        if not changed:
            reasons = Counter(answer.rejection for answer in self.answers)
            return Filled(candidates=(), rejection=reasons.most_common(1)[0][0], stats=meter.stats())
        ended = {"deadline" if self.part else "settled", *(own.stop_reason for own in changed)}
        whole = Candidate(
            texts=("".join(self.pieces),),
            score=sum(own.score for own in changed),
            worst_entropy=max(own.worst_entropy for own in changed),
            worst_line_nll=max(own.worst_line_nll for own in changed),
            added_errors=sum(own.added_errors for own in changed),
            passes=meter.passes,
            stop_reason=next(reason for reason in _ENDINGS if reason in ended),
        )
        return Filled(candidates=(whole,), rejection=None, stats=meter.stats())

    @property
    def _next(self) -> int:
        return 2 * len(self.answers) + 1

    @property
    def _around_next(self) -> tuple[str, str, str]:
        """The hole's text before the next part, the part, and the text after it."""
        number = self._next
        return "".join(self.pieces[:number]), self.pieces[number], "".join(self.pieces[number + 1 :])
