"""Programs by size: what is asked for is rounded up to a bucket, whose program serves all that fit and is made once.

What is larger than the largest bucket gets a program of its own, which is dropped after use and never recorded.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from itertools import product

import torch

from engine.cuda.arena import Arena
from engine.cuda.programs.choices import ChoiceTable
from engine.cuda.programs.forward import Direction, Forward, ForwardShape
from engine.cuda.programs.program import Program
from engine.cuda.programs.sampling import Sampling, SamplingShape
from engine.model.backbone import Backbone

TOKENS = (16, 32, 64, 96, 128, 192, 256, 512)
EXTRA = (0, 256, 512)
POSITIONS = (16, 64, 128, 256)
_SHORT = 5

_log = logging.getLogger(__name__)


class Buckets:
    """The programs of one model."""

    def __init__(self, backbone: Backbone, arena: Arena, choices: ChoiceTable) -> None:
        self._backbone = backbone
        self._arena = arena
        self._choices = choices
        self._forwards: dict[ForwardShape, Forward] = {}
        self._samplings: dict[SamplingShape, Sampling] = {}

    def forward(self, direction: Direction, tokens: int, extra: int) -> Forward:
        """A pass with room for so many tokens and extra keys."""
        shape = ForwardShape(direction, _rounded(tokens, TOKENS), _rounded(extra, EXTRA))
        if shape in self._forwards:
            return self._forwards[shape]
        made = Forward(shape, self._backbone, self._arena)
        if shape.tokens <= TOKENS[-1] and shape.extra <= EXTRA[-1]:
            self._forwards[shape] = made
        return made

    def sampling(self, positions: int, *, mixed: bool) -> Sampling:
        """What reads so many positions, `POSITIONS[-1]` at most."""
        shape = SamplingShape(_rounded(positions, POSITIONS), mixed)
        if shape not in self._samplings:
            self._samplings[shape] = Sampling(shape, self._backbone, self._choices)
        return self._samplings[shape]

    def record(self) -> int:
        """Records every bucket's program on a card; returns how many. The largest come first, because all share their
        memory; what there is no room for runs operation by operation, and so does the rest where an operation cannot be
        recorded."""
        pool = torch.cuda.graph_pool_handle()
        makers = list(self._all())
        recorded = 0
        # In words, because an error holds on to the tensors of the pass that failed.
        reason = ""
        for make in makers:
            try:
                program = make()
                program.record(pool)
            except torch.OutOfMemoryError as error:
                reason = str(error)
            except RuntimeError as error:
                reason = str(error)
                break
            else:
                recorded += 1
        if reason:
            _log.warning("Only %d of the fast path's %d programs are recorded: %s", recorded, len(makers), reason)
        return recorded

    def forget(self) -> None:
        """Gives the recordings' memory back."""
        for made in (*self._forwards.values(), *self._samplings.values()):
            made.program.forget()

    def _all(self) -> Iterator[Callable[[], Program]]:
        """What makes each program, the largest of a kind first."""
        for shape in sampling_shapes():
            yield lambda shape=shape: self.sampling(shape.positions, mixed=shape.mixed).program
        for shape in forward_shapes():
            yield lambda shape=shape: self.forward(shape.direction, shape.tokens, shape.extra).program


def sampling_shapes() -> list[SamplingShape]:
    """Of all buckets, the largest first."""
    return [SamplingShape(positions, mixed) for positions, mixed in product(reversed(POSITIONS), (True, False))]


def forward_shapes() -> list[ForwardShape]:
    """Of all buckets, the largest of a direction first."""
    decoders = [ForwardShape("decode", tokens, extra) for tokens, extra in product(TOKENS, EXTRA)]
    encoders = [ForwardShape("encode", tokens, 0) for tokens in TOKENS]
    # Texts that go on from others are short.
    encoders += [ForwardShape("encode", tokens, EXTRA[1]) for tokens in TOKENS[:_SHORT]]
    return [*reversed(decoders), *reversed(encoders)]


def _rounded(count: int, buckets: tuple[int, ...]) -> int:
    """The smallest bucket that holds so many, or a multiple of the largest."""
    largest = buckets[-1]
    return next((bucket for bucket in buckets if count <= bucket), -(-count // largest) * largest)
