"""Blocks longer than a canvas, which go on in another one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from infill.judge.score import ranked
from infill.proposal import Scored
from infill.request import InfillRequest, Span
from infill.task import Task


def begun_lines(pool: Sequence[Scored], task: Task) -> Scored | None:
    """The lines to keep where the best of a pool is a block that fills the longest hole to its end: all but the last,
    which is hardly whole. None where it ends by itself, or has one line."""
    if task.mode != "block" or task.layout.middles != ("",):
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
