"""The denoising loop, one step a call: decode all rows, then let each row sample, accept, renoise and test itself.

    start ──> step ──> BatchState ──> step ──> …        replace rows between any two steps; stop by not calling

Rows of a batch share a context and nothing else. A row that has settled is not computed again; its last state stays.
Nothing outlives the stepper, and the context's cache is only read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.backbone import Backbone
from engine.cache import ReadingCache
from engine.canvas import BatchState, Canvas, DenoiseConfig
from engine.context import PooledContext
from engine.masks import Places
from engine.noise import NoiseSource
from engine.permitted import PermittedIds
from engine.row import Row

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
        self._permitted = PermittedIds(config.banned_ids, backbone.vocabulary_size, backbone.device)
        self._no_signal = torch.zeros(0, backbone.hidden_size, dtype=backbone.dtype, device=backbone.device)
        self._step = 0
        self.rows = [self._row(canvas, seed) for canvas, seed in zip(canvases, seeds, strict=True)]
        self._layout: _Layout | None = None

    @torch.inference_mode()
    def step(self) -> BatchState:
        """Run one denoising step on every row that has not settled; a settled row keeps its state. Once the last step
        of the configuration has run, the state stays as it is."""
        rows = [row for row in self.rows if not row.settled]
        if not rows or self._step == self._config.max_denoising_steps:
            return self._state(computed=0)
        self._step += 1
        hidden = self._decode(rows).split([len(row) for row in rows])
        read = [own[row.places] for row, own in zip(rows, hidden, strict=True)]
        for some in _groups([len(own) for own in read]):
            self._advance(rows[some], read[some])
        return self._state(computed=sum(map(len, hidden)))

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
        return Row.start(canvas, seed, self._permitted, self._noise, no_signal=self._no_signal, step=self._step)

    def _advance(self, rows: Sequence[Row], read: Sequence[Tensor]) -> None:
        """Takes the step in some rows. read: the hidden states [F, H] of each one's free positions."""
        lengths = [len(own) for own in read]
        # The vocabulary is most of a step's work, so only what is read is multiplied with it, many rows at once.
        logits = self._backbone.logits(torch.cat(list(read)))
        for row, own in zip(rows, logits.split(lengths), strict=True):
            row.advance(own, self._step, self._config, self._noise)
        if self._step < self._config.max_denoising_steps:
            # Mixed here and not where they are fed: a distribution takes a hundred times as much as its mean embedding.
            signal = self._backbone.embed_distribution(logits)
            for row, own in zip(rows, signal.split(lengths), strict=True):
                row.feed(own)

    def _decode(self, rows: Sequence[Row]) -> Tensor:
        """Hidden states [N, H] of these rows, end to end."""
        layout = self._layout_of([len(row) for row in rows])
        token_ids = torch.cat([row.present_ids for row in rows])
        signal = self._signal(rows)
        # The cache is viewed anew each time, because a longer prompt may have moved the slot's buffers meanwhile.
        cache = ReadingCache(self._context.slot.sequence, self._context.token_count)
        return self._backbone.decode(token_ids, signal, layout.places, layout.masks, cache)

    def _signal(self, rows: Sequence[Row]) -> Tensor:
        """What self-conditioning feeds back into these rows: soft embeddings [N, H], zero where there is nothing to
        feed. A clamped position is fed its own token, since what the model believes there is known."""
        starts = [0, *accumulate(len(row) for row in rows)]
        backbone = self._backbone
        signal = torch.zeros(starts.pop(), backbone.hidden_size, dtype=backbone.dtype, device=backbone.device)
        fed = torch.cat([start + row.fed for start, row in zip(starts, rows, strict=True)])
        signal[fed] = torch.cat([row.signal for row in rows])
        told = torch.cat([row.told for row in rows])
        signal[told] = backbone.embed_tokens(torch.cat([row.known_ids for row in rows])[told])
        return signal

    def _layout_of(self, lengths: list[int]) -> _Layout:
        if self._layout is None or self._layout.lengths != lengths:
            places = Places.packed(self._context.token_count, lengths, self._backbone.device)
            masks = self._backbone.decoder_masks(places, self._context.token_count)
            self._layout = _Layout(lengths, places, masks)
        return self._layout

    def _state(self, *, computed: int) -> BatchState:
        states = tuple(row.state for row in self.rows if row.state is not None)
        return BatchState(step=self._step, rows=states, token_positions=computed)


@dataclass(frozen=True, slots=True)
class _Layout:
    """How rows of these lengths are packed; the same from step to step until a row settles or is replaced."""

    lengths: list[int]
    places: Places
    masks: dict[str, Tensor | None]


def _groups(counts: Sequence[int]) -> Iterator[slice]:
    """Which rows are read together, that have so many positions to read: a longer one alone."""
    start = total = 0
    for end, count in enumerate(counts):
        if end > start and total + count > READ_AT_ONCE:
            yield slice(start, end)
            start, total = end, 0
        total += count
    yield slice(start, len(counts))
