"""A program: operations of fixed shapes over fixed buffers. A card records them once and replays them as one graph.

What changes from run to run is data: what a program is told comes in one buffer, so that one copy brings all of it to
the device.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Fields: TypeAlias = Mapping[str, tuple[int, int]]
"""What a program is told, by name: each field's length, and what stands where it is given less."""

_NOTHING = np.empty(0, np.int64)


class PackedInputs:
    """Fields of int64 numbers, end to end in one buffer that never moves.

    Indexed by a field's name: the field on the device, [length].
    """

    def __init__(self, fields: Fields, device: torch.device) -> None:
        self._padding = {name: padding for name, (_, padding) in fields.items()}
        lengths = [length for length, _ in fields.values()]
        self._host = torch.zeros(sum(lengths), dtype=torch.int64, pin_memory=device.type == "cuda")
        self._device = torch.zeros(len(self._host), dtype=torch.int64, device=device)
        self._fields = dict(zip(fields, torch.split(self._host, lengths), strict=True))
        self._views = dict(zip(fields, torch.split(self._device, lengths), strict=True))
        self._sent = torch.cuda.Event() if device.type == "cuda" else None
        # All padding, with which a program can be recorded before anything is asked of it.
        self.send()

    def __getitem__(self, name: str) -> Tensor:
        return self._views[name]

    def send(self, **values: NDArray[np.int64]) -> None:
        """Sets all fields, those that are not given to padding, and copies them to the device in its own time."""
        if self._sent is not None:
            # The last copy may not have been made yet.
            self._sent.synchronize()
        for name, field in self._fields.items():
            own = values.get(name, _NOTHING)
            field[: len(own)] = torch.as_tensor(own)
            field[len(own) :] = self._padding[name]
        self._device.copy_(self._host, non_blocking=True)
        if self._sent is not None:
            self._sent.record()


class Program:
    """Runs operations that read `inputs` and write buffers of their owner's, without a look at what is in them."""

    def __init__(self, operations: Callable[[], None], inputs: PackedInputs) -> None:
        self.inputs = inputs
        self.operations = operations
        self._graph: torch.cuda.CUDAGraph | None = None

    @property
    def recorded(self) -> bool:
        """Whether it is replayed as one graph."""
        return self._graph is not None

    def run(self) -> None:
        """Runs the operations on what was last sent."""
        if self._graph is None:
            self.operations()
        else:
            self._graph.replay()

    def record(self, pool: Any) -> None:  # noqa: ANN401 - torch names its type nowhere.
        """Records the operations. pool: the memory that all graphs of a device share, since one runs at a time.

        Raises:
            torch.OutOfMemoryError: there is no room for it.
            RuntimeError: an operation cannot be recorded.
        """
        # Libraries set themselves up in an operation's first run, which no recording may hold. It has no stream of its
        # own, because cuBLAS keeps a workspace for every stream that it ever ran on.
        with _no_waiting():
            self.operations()
        graph = torch.cuda.CUDAGraph()
        # A recording that fails leaves its own stream the current one.
        with torch.cuda.stream(torch.cuda.current_stream()), torch.cuda.graph(graph, pool=pool):
            self.operations()
        self._graph = graph

    def forget(self) -> None:
        """Gives the recording's memory back; the operations run one by one from then on."""
        self._graph = None


@contextmanager
def _no_waiting() -> Generator[None]:
    """Makes an error of what waits for the device. No recording may hold that either, and one that meets it leaves
    torch's allocator believing that it still goes on."""
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")
