"""Several processes that train one model: each takes its own batches, and gradients are averaged before every step.

On a CPU that does other work too, a few single-threaded workers lose less than one process with many threads, whose
every operation waits for its slowest thread.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed
from torch import Tensor, nn


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """rank: of this process, from 0. count: of processes."""

    rank: int = 0
    count: int = 1

    @classmethod
    def join(cls) -> Workers:
        """Meet the other processes that `torchrun` started; a lone worker where it started none."""
        if "WORLD_SIZE" not in os.environ:
            return cls()
        # A worker that was stopped, or starved, for hours goes on all the same.
        torch.distributed.init_process_group("gloo", timeout=timedelta(days=30))
        return cls(rank=torch.distributed.get_rank(), count=torch.distributed.get_world_size())

    def meet(self) -> None:
        """Wait until all workers have come here."""
        if self.count > 1:
            torch.distributed.barrier()  # pyright: ignore[reportUnknownMemberType] - partly untyped.

    def average_gradients(self, model: nn.Module) -> None:
        """Replace each gradient by its mean over the workers, which must all have the same ones."""
        gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
        self.add_up(gradients)
        for gradient in gradients:
            gradient.div_(self.count)

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over the workers."""
        if self.count == 1:
            return
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        torch.distributed.all_reduce(flat)  # pyright: ignore[reportUnknownMemberType] - partly untyped.
        for tensor, total in zip(tensors, torch.split(flat, [t.numel() for t in tensors]), strict=True):
            tensor.copy_(total.view_as(tensor))


ALONE = Workers()
