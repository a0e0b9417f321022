"""Triton kernels for what torch does in many passes: a layer over packed tokens, and the sampler.

Triton is optional: where it is not installed, or there is no card, torch's operations do the same.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

import torch

ACTIVATION = "gelu_pytorch_tanh"
"""What the kernels compute of gates, as a configuration names it."""


@cache
def installed() -> bool:
    """Whether Triton can be imported."""
    return find_spec("triton") is not None


def usable(device: torch.device) -> bool:
    """Whether kernels run on a device."""
    return device.type == "cuda" and torch.version.cuda is not None and installed()
