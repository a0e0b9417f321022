"""The answer to a request: candidates as they go into the document, each text once, whatever its blanks, or why there
are none."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from infill.judge.flaws import FlawCheck
from infill.judge.gate import Insertion, gate, likely_part
from infill.judge.score import ranked
from infill.profile import Profile
from infill.request import Candidate, Filled, InfillRequest, Rejection
from infill.task import Meter, Scored
from infill.text.lines import line_ending_at, to_line_feeds


@dataclass(frozen=True, slots=True, kw_only=True)
class CanvasResult:
    """What one canvas came to: scored proposals, and why others were dropped.

    check: what finds their flaws. begun: the lines of a text that is longer than the canvas; None where none is.
    """

    pool: Sequence[Scored]
    rejections: Sequence[Rejection]
    check: FlawCheck
    begun: Scored | None = None


def to_answer(request: InfillRequest, results: Sequence[CanvasResult], profile: Profile, meter: Meter) -> Filled:
    """The answer to a request. results: of its canvases, those first that are preferred, and last the one for the
    request's own hole."""
    in_order = chain.from_iterable(ranked(result.pool, profile.weights) for result in results)
    best = next(in_order, None)
    if best is None:
        # A proposal that no entropy speaks for is left out where the encoder did not read it: in time, or at all.
        unread = Rejection(reason="took_too_long" if meter.late else "low_confidence")
        return _filled((), results[0].rejections or [unread], meter)
    standing = tuple(map(to_line_feeds, request.middles))
    stays = best.texts == standing
    if stays and not request.follows:
        return _filled((), [Rejection(reason="unchanged")], meter)

    pool = [scored for result in results for scored in result.pool]
    as_it_is = next((scored for scored in pool if scored.texts == standing), None)
    unavoidable = _unavoidable_errors(best, pool, results[0].check)
    offered, insertion = _distinct(request, chain([best], in_order), standing), None
    if request.max_line_nll is not None:
        insertion = Insertion.of(request, results[-1].check)
        if not any(likely_part(scored, request.max_line_nll, insertion) for scored in pool):
            offered = islice(offered, request.n)  # Nothing will be shown, and the best say why.
    candidates, held_back = list[Candidate](), list[Rejection]()
    for scored in offered:
        errors = max(scored.flaws().syntax_errors - unavoidable, 0)
        shown = gate(scored, request, profile, added_errors=errors, as_it_is=as_it_is, insertion=insertion)
        if isinstance(shown, Rejection):
            held_back.append(shown)
        else:
            candidates.append(_candidate(request, shown, errors))
        if len(candidates) == request.n:
            break
    return _filled(candidates, [Rejection(reason="unchanged")] if stays else held_back[: request.n], meter)


def _filled(candidates: Sequence[Candidate], reasons: Sequence[Rejection], meter: Meter) -> Filled:
    """Candidates, or the commonest of the reasons why there are none."""
    rejection = None if candidates else Counter(reasons).most_common(1)[0][0]
    return Filled(candidates=tuple(candidates), rejection=rejection, stats=meter.stats())


def _distinct(request: InfillRequest, pool: Iterable[Scored], standing: tuple[str, ...]) -> Iterator[Scored]:
    """Those that would change something, each once whatever its blanks."""
    known = set[tuple[str, ...]]()
    for scored in pool:
        in_place = _in_place(request, scored.texts)
        if scored.texts != standing and in_place not in known:
            known.add(in_place)
            yield scored


def _unavoidable_errors(best: Scored, pool: Sequence[Scored], check: FlawCheck) -> int:
    """Errors of syntax that no text is blamed for, which are looked for only where the best has any."""
    fewest = best.flaws().syntax_errors and check.syntax.unavoidable_errors()
    return fewest and min(fewest, *(scored.flaws().syntax_errors for scored in pool))


def _in_place(request: InfillRequest, texts: Sequence[str]) -> tuple[str, ...]:
    """The texts as `spelled` in their holes."""
    return tuple(
        spelled(request.text[max(hole.start - 1, 0) : hole.start], text, request.text[hole.end : hole.end + 1])
        for hole, text in zip(request.holes, texts, strict=True)
    )


def spelled(before: str, text: str, after: str) -> str:
    """A text and the characters next to it without the blanks that part no words: of two texts that differ in blanks
    only, the same."""
    return re.sub(r"\s+", " ", re.sub(r"(?<!\w)\s+|\s+(?!\w)", "", before[-1:] + text + after[:1]))


def _candidate(request: InfillRequest, shown: Scored, added_errors: int) -> Candidate:
    return Candidate(
        texts=_for_document(request, shown.texts),
        score=shown.log_prob,
        worst_entropy=shown.proposal.worst_entropy,
        worst_line_nll=max(shown.line_nll),
        added_errors=added_errors,
        passes=shown.passes,
        stop_reason=shown.proposal.stop_reason,
    )


def _for_document(request: InfillRequest, texts: Sequence[str]) -> tuple[str, ...]:
    """Finished texts with what was typed already, and with the line endings of the places where they go."""
    typed = [request.must_start_with or "", *[""] * (len(texts) - 1)]
    endings = [line_ending_at(request.text, hole.end) for hole in request.holes]
    return tuple(start + text.replace("\n", ending) for start, text, ending in zip(typed, texts, endings, strict=True))
