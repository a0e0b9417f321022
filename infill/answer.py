"""The answer to a request: candidates as they go into the document, each text once, whatever its blanks, or why there
are none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from infill.judge.blanks import spelled
from infill.judge.gate import Insertion, admitted, likely_part, suggested_edit
from infill.judge.score import ranked
from infill.profile import Profile
from infill.proposal import Scored
from infill.request import Candidate, Filled, InfillRequest, Rejection
from infill.task import Meter, Task
from infill.text.languages import language_of
from infill.text.lines import line_ending_at, to_line_feeds


def to_answer(
    request: InfillRequest,
    pools: Sequence[Sequence[Scored]],
    rejections: Sequence[Rejection],
    task: Task | None,
    meter: Meter,
) -> Filled:
    """The answer to a request. pools: the scored proposals of each of its canvases, those first that are preferred.
    rejections: of what is no candidate. task: of the last canvas, None where there was none."""
    standing = tuple(map(to_line_feeds, request.middles))
    in_order = chain.from_iterable(ranked(pool, task.profile.weights) for pool in pools) if task else ()
    visible = (scored for scored in in_order if any(standing) or any(map(str.strip, scored.texts)))
    first = next(visible, None)
    stays = first is not None and first.texts == standing
    if stays and not request.follows:
        return Filled(candidates=(), rejection=Rejection(reason="unchanged"), stats=meter.stats())
    best, as_it_is = chain(filter(None, [first]), visible), None
    if request.follows:
        best = list(best)
        as_it_is = next((scored for scored in best if scored.texts == standing), None)
    candidates, held_back = list[Candidate](), list[Rejection]()
    best, insertion = _distinct(request, best, standing), None
    if request.max_line_nll is not None:
        insertion = _insertion(request)
        if not any(likely_part(own, request.max_line_nll, insertion) for pool in pools for own in pool):
            best = islice(best, request.n)  # Nothing will be shown, and the best say why.
    unavoidable: int | None = None
    for scored in best:
        errors = scored.flaws().syntax_errors
        if unavoidable is None:  # Looked for only where the best has any errors.
            unavoidable = _unavoidable_errors(pools, task) if errors and task else 0
        errors = max(errors - unavoidable, 0)
        if request.must_be_whole and errors:
            continue
        shown: Scored | Rejection = scored
        if request.follows and task is not None:
            shown = suggested_edit(
                scored, as_it_is, margin=_margin(request, task.profile), weights=task.profile.weights
            )
        elif request.max_line_nll is not None:
            shown = admitted(scored, request.max_line_nll, added_errors=errors, insertion=insertion)
        if isinstance(shown, Rejection):
            held_back.append(shown)
        else:
            candidates.append(_candidate(request, shown, errors))
        if len(candidates) == request.n:
            break
    if request.must_be_whole and first is not None and not held_back:
        held_back.append(Rejection(reason="breaks_syntax"))
    # A proposal that no entropy speaks for is left out where the encoder did not read it either: in time, or at all.
    unread = Rejection(reason="took_too_long" if meter.late else "low_confidence")
    reasons = Counter([Rejection(reason="unchanged")] if stays else held_back[: request.n] or rejections or [unread])
    rejection = None if candidates else reasons.most_common(1)[0][0]
    return Filled(candidates=tuple(candidates), rejection=rejection, stats=meter.stats())


def _distinct(request: InfillRequest, pool: Iterable[Scored], standing: tuple[str, ...]) -> Iterator[Scored]:
    """Those that would change something, each once whatever its blanks."""
    known = set[tuple[str, ...]]()
    for scored in pool:
        spelled = _spelled(request, scored.texts)
        if scored.texts != standing and spelled not in known:
            known.add(spelled)
            yield scored


def _margin(request: InfillRequest, profile: Profile) -> float:
    """Nats by which an edit has to be likelier than the text as it is; where one was asked for, as likely will do."""
    return min(profile.edits.margin, 0.0) if request.confidence is None else profile.edits.margin


def _unavoidable_errors(pools: Sequence[Sequence[Scored]], task: Task) -> int:
    """Errors of syntax that no text is blamed for."""
    fewest = task.check.syntax.unavoidable_errors()
    return fewest and min([fewest, *(scored.flaws().syntax_errors for pool in pools for scored in pool)])


def _insertion(request: InfillRequest) -> Insertion | None:
    """The place of a single hole into which a text is inserted. What an entry of a menu replaces counts as empty."""
    typed = request.must_start_with
    if len(request.holes) > 1 or (any(request.middles) and typed is None):
        return None
    return Insertion(
        before=to_line_feeds(request.prefix + (typed or "")),
        after=to_line_feeds(request.suffix),
        language=language_of(request.path, request.language_id),
    )


def _spelled(request: InfillRequest, texts: Sequence[str]) -> tuple[str, ...]:
    """The texts in their places without the blanks that part no words."""
    return tuple(
        spelled(request.text[max(hole.start - 1, 0) : hole.start], text, request.text[hole.end : hole.end + 1])
        for hole, text in zip(request.holes, texts, strict=True)
    )


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
