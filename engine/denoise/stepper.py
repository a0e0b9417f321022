"""The denoising loop, one step a call: decode all rows, then let each row sample, accept, renoise and test itself.

    start ──> step ──> BatchState ──> step ──> …        replace rows between any two steps; stop by not calling

Rows of a batch share a context and, where their clamped tokens are the same, one reading of those; a row comes out as
it would alone. A row that has settled is not computed again; its last state stays. Nothing outlives the stepper, and
the context's cache is only read.
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
from engine.denoise.clamped import Around, Clamped, Reading
from engine.denoise.noise import NoiseSource
from engine.denoise.rows import Row, Rows
from engine.kv.cache import FrozenCache
from engine.kv.masks import TokenPositions
from engine.kv.pool import PooledContext
from engine.model.backbone import Backbone, Masks

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
        self._choices = Choices(config.banned_ids, backbone.vocabulary_size, backbone.device)
        self._no_signal = torch.zeros(backbone.hidden_size, dtype=backbone.dtype, device=backbone.device)
        self._step = 0
        self.rows = [self._row(canvas, seed) for canvas, seed in zip(canvases, seeds, strict=True)]
        self._readings: dict[bytes, Reading] = {}
        self._layout: _Layout | None = None

    @torch.inference_mode()
    def step(self) -> BatchState:
        """Run one denoising step on every row that has not settled; a settled row keeps its state. Once the last step
        of the configuration has run, the state stays as it is."""
        rows = [row for row in self.rows if not row.settled]
        if not rows or self._step == self._config.max_denoising_steps:
            return self._state(computed=0)
        if any(row.state is None for row in rows):
            Rows(rows).fill(self._noise, self._step)
        self._step += 1
        layout = self._layout_of(rows)
        hidden = self._decode(rows, layout).split([len(row.places) for row in rows])
        for some in _groups([len(own) for own in hidden]):
            self._advance(rows[some], hidden[some])
        return self._state(computed=len(layout.places))

    @torch.inference_mode()
    def replace(self, row: int, canvas: Canvas, carried: NDArray[np.int32]) -> None:
        """Put another canvas in `row`. `carried` [L_new]: the old position each new one comes from, -1 where it was
        inserted (it starts from noise, or `keep_start`, and has no self-conditioning). A carried free position goes
        on from what stood there; the row counts as not settled and its reading as new.

        Raises:
            ValueError: `carried` does not fit the canvases, or no step is left to run.
        """
        old = self.rows[row]
        if len(carried) != len(canvas) or carried.min() < -1 or carried.max() >= len(old):
            raise ValueError(f"carried must map {len(canvas)} positions into the old row's {len(old)}")
        if self._step == self._config.max_denoising_steps:
            raise ValueError(f"a row cannot be replaced after the last of {self._step} denoising steps")
        new = self._row(canvas, old.seed)
        new.carry_from(old, carried)
        self.rows[row] = new

    def _row(self, canvas: Canvas, seed: int) -> Row:
        return Row.of_canvas(canvas, seed, self._choices, no_signal=self._no_signal)

    def _advance(self, rows: Sequence[Row], hidden: Sequence[Tensor]) -> None:
        """Takes the step in some rows. hidden: the states [F, H] of each one's free positions."""
        logits = self._backbone.logits(torch.cat(list(hidden))).div_(sampler.temperature(self._step, self._config))
        abreast = Rows(rows)
        abreast.ban(logits)
        believed = sampler.posterior(logits, min(TOP_IDS, self._backbone.vocabulary_size))
        abreast.advance(believed, self._step, self._config, self._noise)
        if self._step < self._config.max_denoising_steps:
            # Mixed here and not where they are fed: a distribution takes a hundred times as much as its mean embedding.
            signal = self._backbone.embed_distribution(believed.probs)
            for row, own in zip(rows, signal.split([len(own) for own in hidden]), strict=True):
                row.signal = own

    def _decode(self, rows: Sequence[Row], layout: _Layout) -> Tensor:
        """Hidden states [N, H] of these rows' free positions, end to end."""
        around = layout.around
        unread = [own.token_ids for own in around.unread] if around else []
        read = sum(map(len, unread))
        token_ids = torch.cat([*unread, *(row.present_ids[row.places] for row in rows)])
        if not len(token_ids):
            return self._no_signal.new_empty(0, self._backbone.hidden_size)
        # Of clamped tokens nothing has been believed that could be fed back.
        signal = torch.cat([self._no_signal.expand(read, -1), *(row.signal for row in rows)])
        # The cache is viewed anew each time, because a longer prompt may have moved the slot's buffers meanwhile.
        cache = FrozenCache(self._context.slot.sequence, self._context.token_count)
        hidden = self._backbone.decode(
            token_ids, signal, layout.places, layout.masks, cache, extend=around.extend if around else None
        )
        if around:
            self._readings |= around.read
        return hidden[read:]

    def _layout_of(self, rows: Sequence[Row]) -> _Layout:
        if self._layout is None or self._layout.rows != rows or (self._layout.around and self._layout.around.unread):
            device, start = self._backbone.device, self._context.token_count
            places = TokenPositions.of_rows(start, [row.places for row in rows], device)
            around = self._around([row.clamped for row in rows])
            if around:
                places = TokenPositions.joined(around.unread_places, places)
            masks = self._backbone.decoder_masks(places, start, (around.places, around.shown) if around else None)
            self._layout = _Layout(rows, places, around, masks)
        return self._layout

    def _around(self, clamped: Sequence[Clamped]) -> Around | None:
        if not any(map(len, clamped)):
            return None
        return Around(clamped, self._readings, self._backbone, self._context.token_count)

    def _state(self, *, computed: int) -> BatchState:
        states = tuple(row.state for row in self.rows if row.state is not None)
        return BatchState(step=self._step, rows=states, token_positions=computed)


@dataclass(frozen=True, slots=True)
class _Layout:
    """How these rows are packed, behind what has not been read yet; the same from step to step until one settles or is
    replaced."""

    rows: Sequence[Row]
    places: TokenPositions
    around: Around | None
    masks: Masks


def _groups(counts: Sequence[int]) -> Iterator[slice]:
    """Which rows are read together, that have so many positions to read: a longer one alone."""
    start = total = 0
    for end, count in enumerate(counts):
        if end > start and total + count > READ_AT_ONCE:
            yield slice(start, end)
            start, total = end, 0
        total += count
    yield slice(start, len(counts))
