"""From offers to an answer: candidates as they go into the document, each text once, whatever its blanks, or why there
are none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from infill.candidate import Reading
from infill.gate import Insertion, admitted
from infill.languages import language_of
from infill.meter import Meter
from infill.offer import Offer
from infill.passage import line_ending_at, to_line_feeds
from infill.request import Candidate, Filled, InfillRequest, Rejection
from infill.trim import spelled


def to_answer(request: InfillRequest, offers: Sequence[Offer], rejections: Sequence[Rejection], meter: Meter) -> Filled:
    """The answer to a request. offers: best first. rejections: of what is no offer."""
    standing = tuple(map(to_line_feeds, request.middles))
    visible = [offer for offer in offers if any(standing) or any(map(str.strip, offer.reading.texts))]
    if visible and visible[0].reading.texts == standing:
        return Filled(candidates=(), rejection=Rejection(reason="unchanged"), stats=meter.stats())
    best: dict[tuple[str, ...], Offer] = {}
    for offer in visible:
        if offer.reading.texts != standing:
            best.setdefault(_spelled(request, offer.reading.texts), offer)
    insertion = None if request.most_doubt is None else _insertion(request)
    candidates: list[Candidate] = []
    whole = [offer for offer in best.values() if not (request.must_be_whole and offer.added_errors)]
    held_back = [] if whole or not best else [Rejection(reason="breaks_syntax")]
    for offer in whole:
        shown: Reading | Rejection = offer.reading
        if request.most_doubt is not None:
            shown = admitted(shown, request.most_doubt, added_errors=offer.added_errors, insertion=insertion)
        if isinstance(shown, Rejection):
            held_back.append(shown)
        else:
            candidates.append(_candidate(request, offer, shown))
        if len(candidates) == request.n:
            break
    # Every row was read, so there are rejections where there are no offers.
    reasons = Counter(held_back[: request.n] or rejections)
    rejection = None if candidates else reasons.most_common(1)[0][0]
    return Filled(candidates=tuple(candidates), rejection=rejection, stats=meter.stats())


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


def _candidate(request: InfillRequest, offer: Offer, shown: Reading) -> Candidate:
    return Candidate(
        texts=_for_document(request, shown.texts),
        score=offer.score,
        worst_entropy=shown.worst_entropy,
        doubt=shown.doubt,
        added_errors=offer.added_errors,
        passes=offer.passes,
        stop_reason=offer.row.stop_reason,
    )


def _for_document(request: InfillRequest, texts: Sequence[str]) -> tuple[str, ...]:
    """Finished texts with what was typed already, and with the line endings of the places where they go."""
    typed = [request.must_start_with or "", *[""] * (len(texts) - 1)]
    endings = [line_ending_at(request.text, hole.end) for hole in request.holes]
    return tuple(start + text.replace("\n", ending) for start, text, ending in zip(typed, texts, endings, strict=True))
