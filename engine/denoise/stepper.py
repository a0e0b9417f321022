"""The denoising loop, one step a call: decode all rows, then let each row sample, accept, renoise and test itself.

    start ──> step ──> BatchState ──> step ──> …        replace rows between any two steps; stop by not calling

Rows of a batch share a context; a row comes out as it would alone. A row that has settled is not computed again; its
last state stays. A step hands the device its work and waits for it once, for the copy of its result. Nothing outlives
the stepper, and the context's cache is only read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.canvas import BatchState, Canvas, DenoiseConfig
from engine.denoise import sampler
from engine.denoise.allowed import Choices
from engine.denoise.clamped import ClampedKV, LayerKV
from engine.denoise.noise import NoiseSource
from engine.denoise.rows import Row, Rows
from engine.kv.cache import FrozenCache
from engine.kv.masks import TokenPositions
from engine.kv.pool import PooledContext
from engine.model.backbone import MAX_POSITIONS, Backbone, Masks

TOP_IDS = 8
"""How many of the likeliest ids a `HoleState` lists."""

READ_AT_ONCE = 256
"""Positions whose logits are held at once, a canvas's worth: what bounds the memory of a step of many rows."""


class BatchStepper:
    """The `Stepper` of a backbone.

    rows: the batch as it stands between two steps.
    """

    def __init__(
        self,
        backbone: Backbone,
        choices: Choices,
        context: PooledContext,
        canvases: Sequence[Canvas],
        *,
        seeds: Sequence[int],
        config: DenoiseConfig,
        noise: NoiseSource,
    ) -> None:
        self._backbone = backbone
        self._context = context
        self._config = config
        self._noise = noise
        self._choices = choices
        self._no_signal = torch.zeros(backbone.hidden_size, dtype=backbone.dtype, device=backbone.device)
        self._step = 0
        self.rows = [self._row(canvas, seed) for canvas, seed in zip(canvases, seeds, strict=True)]
        self._clamped_kv: dict[bytes, LayerKV] = {}
        self._batches: list[_PackedRows] = []

    @torch.inference_mode()
    def step(self) -> BatchState:
        """Run one denoising step on every row that has not settled; a settled row keeps its state. Once the last step
        of the configuration has run, the state stays as it is."""
        rows = [row for row in self.rows if not row.settled]
        if not rows or self._step == self._config.max_denoising_steps:
            return self._state(computed=0)
        batches: list[_PackedRows] = []
        results: list[Tensor] = []
        self._step += 1
        for some in _groups([len(row.computed) for row in rows], MAX_POSITIONS):
            batches.append(self._batch_of(rows[some]))
            results += self._run(batches[-1])
        self._batches = batches
        copied = torch.cat(results).cpu().numpy()
        ends = np.cumsum([len(result) for result in results])[:-1]
        groups = (group for batch in batches for group in batch.groups)
        for group, result in zip(groups, np.split(copied, ends), strict=True):
            group.take(result, self._config)
        return self._state(computed=sum(len(batch.positions) for batch in batches))

    @torch.inference_mode()
    def replace(self, row: int, canvas: Canvas, carried: NDArray[np.int32]) -> None:
        """Put another canvas in `row`. `carried` [L_new]: the old position each new one comes from, -1 where it was
        inserted (it starts from noise, or `keep_start`, and has no self-conditioning). A carried free position goes
        on from what stood there; the row counts as not settled and its reading as new.

        Raises:
            ValueError: `carried` does not fit the canvases, or no step is left to run.
        """
        old = self.rows[row]
        check_replacement(len(old), len(canvas), carried, self._step, self._config)
        new = self._row(canvas, old.seed)
        new.carry_from(old, carried)
        self.rows[row] = new

    def _row(self, canvas: Canvas, seed: int) -> Row:
        read_once = self._config.clamped == "read_once"
        return Row.of_canvas(
            canvas, seed, self._config.banned_ids, self._choices, no_signal=self._no_signal, read_once=read_once
        )

    def _run(self, batch: _PackedRows) -> list[Tensor]:
        """Takes the step in a batch; returns each group's result."""
        if any(row.state is None for row in batch.rows):
            for group in batch.groups:
                group.fill(self._noise, self._step - 1)
        hidden = iter(torch.split(self._decode(batch), [len(row.computed) for row in batch.rows]))
        return [self._advance(group, [next(hidden) for _ in group.rows]) for group in batch.groups]

    def _advance(self, group: Rows, hidden: Sequence[Tensor]) -> Tensor:
        """Takes the step in some rows and returns its result, for `Rows.take`. hidden: the states [P, H] of each one's
        computed positions."""
        free = torch.cat([own[row.free_numbers] for row, own in zip(group.rows, hidden, strict=True)])
        logits = self._processed(free)
        group.ban(logits)
        believed = sampler.posterior(logits, min(TOP_IDS, self._backbone.vocabulary_size))
        result = group.advance(believed, self._step, self._config, self._noise)
        if self._step < self._config.max_denoising_steps:
            # Mixed here and not where they are fed: a distribution takes a hundred times as much as its mean embedding.
            mean = self._backbone.embed_distribution(believed.probs)
            signal = torch.split(mean, [len(row.positions) for row in group.rows])
            for row, own, at_free in zip(group.rows, hidden, signal, strict=True):
                row.feed(at_free, self._signal_at_clamped(row, own[row.clamped_numbers]))
        return result

    def _signal_at_clamped(self, row: Row, hidden: Tensor) -> Tensor:
        """What self-conditioning feeds the C clamped positions that are computed, [C, H]. hidden: [C, H]."""
        conditioning = self._config.clamped_conditioning
        if conditioning == "none" or not len(hidden):
            return self._no_signal.expand(len(hidden), -1)
        if conditioning == "token":
            return self._backbone.embed_tokens(row.known_ids[row.computed[row.clamped_numbers]])
        parts = torch.split(hidden, READ_AT_ONCE)
        return torch.cat([self._backbone.embed_distribution(self._processed(part).softmax(dim=-1)) for part in parts])

    def _processed(self, hidden: Tensor) -> Tensor:
        """Logits [N, V] at the step's temperature."""
        return self._backbone.logits(hidden).div_(sampler.temperature(self._step, self._config))

    def _decode(self, batch: _PackedRows) -> Tensor:
        """Hidden states [N, H] of the rows' computed positions, end to end."""
        clamped = batch.clamped
        pending = [own.token_ids for own in clamped.pending] if clamped else []
        pending_count = sum(map(len, pending))
        token_ids = torch.cat([*pending, *(row.present_ids[row.computed] for row in batch.rows)])
        if not len(token_ids):
            return self._no_signal.new_empty(0, self._backbone.hidden_size)
        # Of tokens that are read once nothing has been believed that could be fed back.
        signal = torch.cat([self._no_signal.expand(pending_count, -1), *(row.signal for row in batch.rows)])
        # The cache is viewed anew each time, because a longer prompt may have moved the slot's buffers meanwhile.
        cache = FrozenCache(self._context.slot.sequence, self._context.token_count)
        hidden = self._backbone.decode(
            token_ids, signal, batch.positions, batch.masks, cache, extend=clamped.extend if clamped else None
        )
        if clamped:
            self._clamped_kv |= clamped.computed
        return hidden[pending_count:]

    def _batch_of(self, rows: Sequence[Row]) -> _PackedRows:
        """These rows' batch of the last step, or a new one."""
        for batch in self._batches:
            if batch.rows == rows and not (batch.clamped and batch.clamped.pending):
                return batch
        device, start = self._backbone.device, self._context.token_count
        positions = TokenPositions.of_rows(start, [row.computed for row in rows], device)
        clamped = self._clamped_kv_of(rows)
        if clamped:
            positions = TokenPositions.joined(clamped.pending_positions, positions)
        masks = self._backbone.decoder_masks(
            positions, start, (clamped.positions, clamped.attends_to) if clamped else None
        )
        parts = _groups([len(row.positions) for row in rows], READ_AT_ONCE)
        groups = tuple(Rows(rows[some], self._choices) for some in parts)
        return _PackedRows(rows, groups, positions, clamped, masks)

    def _clamped_kv_of(self, rows: Sequence[Row]) -> ClampedKV | None:
        """What rows see of tokens that are read once; None where there are none."""
        clamped = [row.clamped for row in rows if row.clamped is not None]
        if not any(map(len, clamped)):
            return None
        return ClampedKV(clamped, self._clamped_kv, self._backbone, self._context.token_count)

    def _state(self, *, computed: int) -> BatchState:
        states = tuple(row.state for row in self.rows if row.state is not None)
        return BatchState(step=self._step, rows=states, token_positions=computed)


@dataclass(frozen=True, slots=True)
class _PackedRows:
    """Rows that one forward computes, packed behind the clamped tokens that it reads; the same until one of these
    settles or is replaced. groups: the rows whose logits are held together."""

    rows: Sequence[Row]
    groups: tuple[Rows, ...]
    positions: TokenPositions
    clamped: ClampedKV | None
    masks: Masks


def _groups(counts: Sequence[int], most: int) -> Iterator[slice]:
    """Which rows go together, that have so many positions, `most` in all: a longer one goes alone."""
    start = total = 0
    for end, count in enumerate(counts):
        if end > start and total + count > most:
            yield slice(start, end)
            start, total = end, 0
        total += count
    yield slice(start, len(counts))


def check_replacement(old: int, new: int, carried: NDArray[np.int32], step: int, config: DenoiseConfig) -> None:
    """Check that a row of `new` positions can take the place of one of `old`, as `Stepper.replace` says.

    Raises:
        ValueError: `carried` does not fit the canvases, or no step is left to run.
    """
    if len(carried) != new or carried.min() < -1 or carried.max() >= old:
        raise ValueError(f"carried must map {new} positions into the old row's {old}")
    if step == config.max_denoising_steps:
        raise ValueError(f"a row cannot be replaced after the last of {step} denoising steps")
