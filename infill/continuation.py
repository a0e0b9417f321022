"""Long holes, a few lines at a time: which lines of a reading are settled, and the request for what comes after them.

A text that is longer than a canvas goes on in the next one. And what a model reads ill at a distance it may read well
once the lines before it stand: those it is sure of are kept, the others tried again.
"""

from __future__ import annotations

from dataclasses import replace

from infill.candidate import Reading
from infill.request import InfillRequest, Span


def settled_lines(reading: Reading, sure: float | None, *, unended: bool) -> int:
    """Number of a single hole's first lines to keep before the rest is tried again; 0 where the reading is to stay as
    it is. sure: nats up to which a line's least certain token leaves it settled, None where no line is tried again.
    unended: the reading fills its canvas, so that its last line is hardly the text's."""
    worst = [max(line, default=0.0) for line in reading.entropies[0]]
    whole = len(worst) - 1
    settled = whole if unended else 0
    if sure is not None:
        certain = next((i for i, entropy in enumerate(worst) if entropy > sure), whole + 1)
        settled = certain if certain <= whole else settled
    return settled if reading.cut(settled).texts[0].strip() else 0


def joined(before: Reading | None, reading: Reading) -> Reading:
    """A reading of the lines after those kept before."""
    if before is None:
        return reading
    return replace(
        reading,
        texts=(f"{before.texts[0]}\n{reading.texts[0]}",),
        entropies=(before.entropies[0] + reading.entropies[0],),
        doubts=(before.doubts[0] + reading.doubts[0],),
    )


def after(request: InfillRequest, written: str) -> InfillRequest:
    """The request with a text before its single hole, which nothing has to begin any more."""
    [hole] = request.holes
    start = (request.must_start_with or "") + written
    return replace(
        request,
        text=request.text[: hole.start] + start + request.text[hole.start :],
        holes=(Span(start=hole.start + len(start), end=hole.end + len(start)),),
        must_start_with=None,
    )
