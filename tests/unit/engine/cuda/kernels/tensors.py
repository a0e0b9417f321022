"""Random tensors where kernels are tested: in the interpreter, or with DGEMMA_TEST_DEVICE=cuda on a card."""

# torch annotates itself in part only.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import torch
from torch import Tensor

from tests.unit.engine.canvases import DEVICE

DTYPES = [torch.float32, torch.float16, *([] if DEVICE.type == "cpu" else [torch.bfloat16])]
"""What kernels are tested in; the interpreter errs in bfloat16."""


def generator(seed: int) -> torch.Generator:
    """Of the same numbers everywhere."""
    return torch.Generator("cpu").manual_seed(seed)


def random(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    """Normally distributed."""
    return torch.randn(shape, generator=generator(seed), device="cpu").to(DEVICE, dtype)


def random_integers(high: int, *shape: int, seed: int = 0, dtype: torch.dtype = torch.int64) -> Tensor:
    """From 0 to below `high`."""
    return torch.randint(0, high, shape, generator=generator(seed), device="cpu").to(DEVICE, dtype)
