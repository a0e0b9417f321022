"""Denoised rows: canvases whose holes differ in length, denoised side by side."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from engine.canvas import Flags, RowState, Stepper, TokenIds
from engine.token_set import TokenSet
from infill.proposal import Proposal, Scored, Steps
from infill.request import Progress, StopReason
from infill.task import Task
from infill.text.lines import to_line_feeds


@dataclass(frozen=True, slots=True)
class Start:
    """What a hole of a row starts from. kept: [N], which tokens denoising starts from; the others start from noise."""

    token_ids: TokenIds
    kept: Flags

    @classmethod
    def noise(cls, length: int) -> Self:
        return cls(np.zeros(length, np.int32), np.zeros(length, np.bool_))

    @classmethod
    def warm(cls, token_ids: TokenIds, *, noise: float, seed: int) -> Self:
        """These tokens, about this share of them noise."""
        return cls(token_ids, np.random.default_rng(seed).random(len(token_ids)) >= noise)


def propose(task: Task, pool: Sequence[Scored]) -> Steps[list[Proposal]]:
    """Proposes the greedy reading of every row: for empty holes a row a length of the profile's ladder, for replaced
    texts lengths around their own, warm-started where no instruction asks for something else."""
    rows = _rows(task)
    ahead = task.profile.rows_ahead if task.request.instruction_words else 0
    proposals, surest = list[Proposal](), None
    for numbers in (range(len(rows))[:ahead], range(len(rows))[ahead:]):
        if numbers and not (proposals and task.meter.late):
            found, surest = yield from _denoised(task, {number: rows[number] for number in numbers}, surest)
            proposals += found
    return proposals


def _denoised(
    task: Task, rows: Mapping[int, tuple[Start, ...]], surest: RowState | None
) -> Steps[tuple[list[Proposal], RowState]]:
    """The reading of rows that are denoised side by side, by their numbers, and the surest row. surest: of those that
    were denoised before, which a draft shows until another is surer."""
    with task.meter.timed("denoise"):
        canvases = [task.layout.filled([h.token_ids for h in row], kept=[h.kept for h in row]) for row in rows.values()]
        seeds = [row_seed(task.request.seed, number) for number in rows]
        stepper = task.denoiser.start(task.context, canvases, seeds=seeds, config=task.config)
    task.meter.count_free(sum(canvas.free_count for canvas in canvases))
    lengths = [tuple(len(hole.token_ids) for hole in row) for row in rows.values()]
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
        _cut_at_line_ends(task, stepper, state.rows, lengths)
    unsettled: StopReason = "deadline" if late else "step_limit"
    return [_proposal(row, task, "settled" if row.settled else unsettled) for row in state.rows], shown


def row_seed(seed: int, number: int) -> int:
    """A seed for each row of a request, the same on every machine."""
    return zlib.crc32(f"{seed} {number}".encode())


def _rows(task: Task) -> list[tuple[Start, ...]]:
    """What each row's holes start from. Of several holes the empty ones have the same length in a row, and where all
    hold text, all are scaled by the same factor."""
    standing = [ids if text else None for ids, text in zip(task.layout.present, task.layout.middles, strict=True)]
    texts = [ids for ids in standing if ids is not None]
    if len(texts) < len(standing):
        room = (task.layout.room - sum(map(len, texts))) // (len(standing) - len(texts))
        rows = [
            tuple(Start.noise(length) if ids is None else _warm(task, ids) for ids in standing)
            for length in task.lengths(room)
        ]
    elif task.exact_tokens is not None:
        rows = [tuple(Start.noise(length) for length in task.lengths(task.layout.room))]
    else:
        rows = _scaled_rows(task, texts)
    return rows * -(-task.request.n // len(rows))


def _scaled_rows(task: Task, texts: Sequence[TokenIds]) -> list[tuple[Start, ...]]:
    """Rows in place of texts: of each length around their own from noise, and of their own from themselves, too, with
    each of the profile's shares of noise."""
    lengths = [tuple(max(round(len(ids) * scale), 1) for ids in texts) for scale in task.profile.lengths.replaced]
    own = tuple(map(len, texts))
    rows = [
        tuple(map(Start.noise, row)) for row in dict.fromkeys(lengths) if sum(row) <= task.layout.room and row != own
    ]
    shares = task.profile.warm_start_noise if task.request.instruction is None else (1.0,)
    return [tuple(_warm(task, ids, noise=share) for ids in texts) for share in shares] + rows


def _warm(task: Task, ids: TokenIds, *, noise: float = 0.0) -> Start:
    """A text that stands in a hole, with a share of noise; noise alone where an instruction asks for another text."""
    share = 1.0 if task.request.instruction is not None else noise
    return Start.warm(ids, noise=share, seed=row_seed(task.request.seed, len(ids)))


def _cut_at_line_ends(task: Task, stepper: Stepper, rows: Sequence[RowState], lengths: list[tuple[int, ...]]) -> None:
    """Ends the holes of unsettled rows at their first line end where they are to end with the line: what follows it
    would be denoised for nothing."""
    if task.mode != "line":
        return
    newlines = task.layout.tokens.newline_ids
    for number, (row, old) in enumerate(zip(rows, lengths, strict=True)):
        new = tuple(
            max(_line_length(hole.argmax_ids, newlines), 1) if not edges.tail else len(hole.argmax_ids)
            for hole, edges in zip(row.holes, task.layout.edges, strict=True)
        )
        if row.settled or new == old:
            continue
        spans = task.layout.spans(old)
        kept = np.ones(sum(map(len, task.layout.clamped)) + sum(old), np.bool_)
        for span, length in zip(spans, new, strict=True):
            kept[span.start + length : span.stop] = False
        stepper.replace(number, task.layout.noisy(new), np.flatnonzero(kept).astype(np.int32))
        lengths[number] = new


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
