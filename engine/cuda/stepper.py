"""The denoising loop over programs: the device computes and draws, the host decides, and one copy a step joins them.

Nothing outlives the stepper, and the context's keys and values are only read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.canvas import BatchState, Canvas, DenoiseConfig
from engine.cuda.arena import Extent
from engine.cuda.batch import Batch, grouped
from engine.cuda.programs.buckets import POSITIONS, Buckets
from engine.cuda.programs.choices import ChoiceTable
from engine.cuda.programs.sampling import Believed
from engine.cuda.rows import HostRow, advance, draw_bits, fill, renoised
from engine.denoise import sampler
from engine.denoise.allowed import ANYTHING, Choice
from engine.denoise.stepper import check_replacement
from engine.kv.pool import PooledContext


class ProgramStepper:
    """The `Stepper` over programs. clamped_kv: a sequence without tokens for the clamped ones that are read once."""

    def __init__(
        self,
        buckets: Buckets,
        table: ChoiceTable,
        context: PooledContext,
        canvases: Sequence[Canvas],
        *,
        seeds: Sequence[int],
        config: DenoiseConfig,
        clamped_kv: Extent,
    ) -> None:
        self._buckets = buckets
        self._table = table
        self._context = context
        self._config = config
        self._clamped_kv = clamped_kv
        self._read: dict[bytes, int] = {}
        """Where in `clamped_kv` the clamped tokens begin that have been read, by their `kv_key`."""
        self._step = 0
        self._ahead: tuple[list[HostRow], list[Batch]] = ([], [])
        """The next step's batches, packed while the last one ran, and the rows that they hold if none settles."""
        self.rows = [
            HostRow.of_canvas(canvas, seed, config, table) for canvas, seed in zip(canvases, seeds, strict=True)
        ]

    @torch.inference_mode()
    def step(self) -> BatchState:
        """Run one denoising step on every row that has not settled; a settled row keeps its state. Once the last step
        of the configuration has run, the state stays as it is."""
        rows = [row for row in self.rows if not row.settled]
        if not rows or self._step == self._config.max_denoising_steps:
            return self._state(computed=0)
        self._step += 1
        fill(rows, self._step - 1, self._table)
        batches: list[Batch] = []
        results: list[Tensor] = []
        packed_rows, packed = self._ahead
        for batch in packed if packed_rows == rows else self._packed(rows):
            batches.append(batch)
            results += self._run(batch)
        result = torch.cat(results)
        # What depends on no result is made while the device works; the copy below waits for it.
        ordered = [row for batch in batches for row in batch.rows]
        noise = renoised(ordered, self._step, self._table)
        if self._step < self._config.max_denoising_steps:
            self._ahead = (rows, list(self._packed(rows)))
        advance(ordered, Believed.of_result(result.cpu().numpy()), noise, self._config)
        return self._state(computed=sum(batch.tokens for batch in batches))

    def replace(self, row: int, canvas: Canvas, carried: NDArray[np.int32]) -> None:
        """Put another canvas in `row`. `carried` [L_new]: the old position each new one comes from, -1 where it was
        inserted (it starts from noise, or `keep_start`, and has no self-conditioning). A carried free position goes
        on from what stood there; the row counts as not settled and its reading as new.

        Raises:
            ValueError: `carried` does not fit the canvases, or no step is left to run.
        """
        old = self.rows[row]
        check_replacement(len(old), len(canvas), carried, self._step, self._config)
        new = HostRow.of_canvas(canvas, old.seed, self._config, self._table)
        new.carry_from(old, carried)
        self.rows[row] = new

    def _packed(self, rows: Sequence[HostRow]) -> Iterator[Batch]:
        """The batches of a step, each to be run before the next is asked for while clamped tokens are yet to be
        read."""
        return (Batch(some, self._read) for some in grouped(rows, self._read))

    def _run(self, batch: Batch) -> list[Tensor]:
        """Takes the step in a batch; returns the results of its rows' free positions, row by row."""
        hidden = self._forward(batch)
        mixed = self._step < self._config.max_denoising_steps
        numbers = [batch.numbers(row, row.positions) for row in batch.rows]
        choices = [choice for row in batch.rows for choice in row.choices]
        results, mean = self._sample(hidden, numbers, choices, draw_bits(batch.rows, self._step), mixed=mixed)
        if mixed:
            means = [[own] for own in torch.split(mean, [len(own) for own in numbers])]
            if self._config.clamped_conditioning == "posterior":
                # Of clamped tokens everything may be believed, and nothing is drawn.
                numbers = [batch.numbers(row, row.clamped_computed) for row in batch.rows]
                counts = [len(own) for own in numbers]
                anything = [ANYTHING] * sum(counts)
                _, mean = self._sample(hidden, numbers, anything, np.zeros(sum(counts), np.int64), mixed=True)
                for own, more in zip(means, torch.split(mean, counts), strict=True):
                    own.append(more)
            for row, own in zip(batch.rows, means, strict=True):
                row.feed(torch.cat(own), self._config)
        return results

    def _sample(
        self,
        hidden: Tensor,
        numbers: Sequence[NDArray[np.int64]],
        choices: Sequence[Choice],
        bits: NDArray[np.int64],
        *,
        mixed: bool,
    ) -> tuple[list[Tensor], Tensor]:
        """Reads some of a pass's hidden states, so many at once as the largest bucket holds. Returns the results, and
        where they are mixed the mean embeddings of what is believed."""
        places = np.concatenate(numbers)
        results: list[Tensor] = [self._buckets.sampling(0, mixed=mixed).result[:0]]
        means: list[Tensor] = [self._buckets.sampling(0, mixed=mixed).mean[:0]]
        for begin in range(0, len(places), POSITIONS[-1]):
            part = slice(begin, begin + POSITIONS[-1])
            count = len(places[part])
            sampling = self._buckets.sampling(count, mixed=mixed)
            sampling.run(
                hidden,
                numbers=places[part],
                choices=self._table.numbers(choices[part]),
                bits=bits[part],
                temperature=sampler.temperature(self._step, self._config),
            )
            # Copies, because the next part is read into the same buffers.
            results.append(sampling.result[:count].clone())
            means.append(sampling.mean[:count].clone())
        return results, torch.cat(means)

    def _forward(self, batch: Batch) -> Tensor:
        """Hidden states of what the batch computes, those of its pending clamped tokens first."""
        sequence = self._context.slot.sequence
        if not isinstance(sequence, Extent):
            raise TypeError("a context of the arena is needed")
        if batch.pending:
            end = self._clamped_kv.capacity
            for tokens in batch.pending:
                self._read[tokens.kv_key] = end
                end += len(tokens)
            self._clamped_kv.reserve(end)
        if not batch.tokens:
            return torch.empty(0)
        believed = [row.mean for row in batch.rows if row.mean is not None]
        given = batch.inputs(
            self._context.token_count, {key: self._clamped_kv.offset + begin for key, begin in self._read.items()}
        )
        return self._buckets.forward("decode", batch.tokens, batch.extra).run(
            believed, context=np.array([sequence.offset, self._context.token_count]), **given
        )

    def _state(self, *, computed: int) -> BatchState:
        states = tuple(row.state for row in self.rows if row.state is not None)
        return BatchState(step=self._step, rows=states, token_positions=computed)
