"""Denoised rows: canvases whose holes differ in length, denoised side by side."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from engine.canvas import Canvas, RowState, Stepper, TokenIds
from engine.token_set import TokenSet
from infill.request import Progress, StopReason
from infill.task import Proposal, Scored, Steps, Task
from infill.text.lines import to_line_feeds


def propose(task: Task, pool: Sequence[Scored]) -> Steps[list[Proposal]]:
    """Proposes the greedy reading of every row: for empty holes a row a length of the profile's ladder, for replaced
    texts lengths around their own, warm-started where no instruction asks for something else."""
    with task.meter.timed("denoise"):
        canvases = _canvases(task)
    seeds = [row_seed(task.request.seed, number) for number in range(len(canvases))]
    ahead = task.profile.rows_ahead if task.request.instruction_words else 0
    proposals, surest = list[Proposal](), None
    for rows in (slice(ahead), slice(ahead, None)):
        if canvases[rows] and not (proposals and task.meter.late):
            found, surest = yield from _denoised(task, canvases[rows], seeds[rows], surest)
            proposals += found
    return proposals


def _denoised(
    task: Task, canvases: Sequence[Canvas], seeds: Sequence[int], surest: RowState | None
) -> Steps[tuple[list[Proposal], RowState]]:
    """The reading of rows that are denoised side by side, and the surest of them. surest: of those that were denoised
    before, which a draft shows until another is surer."""
    with task.meter.timed("denoise"):
        stepper = task.denoiser.start(task.context, canvases, seeds=seeds, config=task.config)
    task.meter.count_free(sum(canvas.free_count for canvas in canvases))
    step = 0
    while True:
        step += 1
        with task.meter.timed("denoise"):
            state = stepper.step()
        task.meter.count_forward(state.token_positions)
        late = task.meter.late
        shown = min([*state.rows, *filter(None, [surest])], key=_mean_entropy)
        yield Progress(
            stage="denoise", draft=task.layout.draft([(hole.argmax_ids, hole.entropy) for hole in shown.holes])
        )
        if late or step == task.config.max_denoising_steps or all(row.settled for row in state.rows):
            break
        if task.mode == "line":
            _cut_at_line_ends(task, stepper, state.rows)
    unsettled: StopReason = "deadline" if late else "step_limit"
    return [_proposal(row, task, "settled" if row.settled else unsettled) for row in state.rows], shown


def row_seed(seed: int, number: int) -> int:
    """A seed for each row of a request, the same on every machine."""
    return zlib.crc32(f"{seed} {number}".encode())


def _canvases(task: Task) -> list[Canvas]:
    """What rows start from, at least as many as candidates are wanted. Of several holes the empty ones have the same
    length in a row, and where all hold text, all are scaled by the same factor; of its own length there is a row from
    the text itself with each of the profile's shares of noise."""
    layout, request = task.layout, task.request
    if all(layout.middles):
        own = tuple(map(len, layout.present))
        lengths = task.profile.lengths.around(own, layout.room)
        shares = task.profile.warm_start_noise if request.instruction is None else (1.0,)
        rows = [_warm(task, share) for share in shares if own in lengths]
        rows += [layout.noisy(row) for row in lengths if row != own]
    else:
        taken = sum(len(ids) for ids, text in zip(layout.present, layout.middles, strict=True) if text)
        room = (layout.room - taken) // layout.middles.count("")
        rows = [_beside_texts(task, length) for length in task.profile.lengths.of(task.mode, room)]
    return rows * -(-request.n // len(rows))


def _warm(task: Task, noise: float) -> Canvas:
    """A row that starts from the texts in the holes, about this share of them noise."""
    kept = [
        np.random.default_rng(row_seed(task.request.seed, len(ids))).random(len(ids)) >= noise
        for ids in task.layout.present
    ]
    return task.layout.filled(task.layout.present, kept=kept)


def _beside_texts(task: Task, length: int) -> Canvas:
    """A row whose empty holes have this length, and whose others start from their texts, but where an instruction asks
    for other ones."""
    keeps = task.request.instruction is None
    starts = [
        (ids, keeps) if text else (np.zeros(length, np.int32), False)
        for ids, text in zip(task.layout.present, task.layout.middles, strict=True)
    ]
    kept = [np.full(len(ids), keep) for ids, keep in starts]
    return task.layout.filled([ids for ids, _ in starts], kept=kept)


def _cut_at_line_ends(task: Task, stepper: Stepper, rows: Sequence[RowState]) -> None:
    """Ends the holes of unsettled rows at their first line end: what follows it would be denoised for nothing."""
    newlines = task.layout.tokens.newline_ids
    for number, row in enumerate(rows):
        old = [len(hole.argmax_ids) for hole in row.holes]
        new = [
            length if edges.tail else max(_line_length(hole.argmax_ids, newlines), 1)
            for length, hole, edges in zip(old, row.holes, task.layout.edges, strict=True)
        ]
        if row.settled or new == old:
            continue
        kept = np.ones(sum(map(len, task.layout.clamped)) + sum(old), np.bool_)
        for span, length in zip(task.layout.spans(old), new, strict=True):
            kept[span.start + length : span.stop] = False
        stepper.replace(number, task.layout.noisy(new), np.flatnonzero(kept).astype(np.int32))


def _line_length(token_ids: TokenIds, newlines: TokenSet) -> int:
    """Tokens before the first that holds a line's end; all where none does."""
    ends = np.isin(token_ids, newlines.ids)
    return int(ends.argmax()) if ends.any() else len(token_ids)


def _proposal(row: RowState, task: Task, stop_reason: StopReason) -> Proposal:
    ids = tuple(hole.argmax_ids for hole in row.holes)
    return Proposal(
        texts=tuple(
            to_line_feeds(edges.unwrap(task.layout.tokens.decode(own.tolist())))
            for own, edges in zip(ids, task.layout.edges, strict=True)
        ),
        token_ids=ids,
        source="denoise",
        token_entropy=tuple(hole.entropy for hole in row.holes),
        stop_reason=stop_reason,
    )


def _mean_entropy(row: RowState) -> float:
    """Nats a free position."""
    return float(np.concatenate([hole.entropy for hole in row.holes]).mean())
