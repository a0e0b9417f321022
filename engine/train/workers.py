"""Several processes that train one model: each takes its own batches, and gradients are averaged before every step.

On a CPU that does other work too, a few single-threaded workers lose less than one process with many threads, whose
every operation waits for its slowest thread.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch
import torch.distributed
from torch import nn


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
        torch.distributed.init_process_group("gloo")
        return cls(rank=torch.distributed.get_rank(), count=torch.distributed.get_world_size())

    def average_gradients(self, model: nn.Module) -> None:
        """Replace each gradient by its mean over the workers, which must all have the same ones."""
        if self.count == 1:
            return
        gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients]) / self.count
        torch.distributed.all_reduce(flat)
        for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))


ALONE = Workers()
