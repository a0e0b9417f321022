"""Triton kernels for what torch does in many passes: a layer over packed tokens, and the sampler.

Triton is optional: where it does not work, or there is no card, torch's operations do the same.
"""

from __future__ import annotations

import torch

from engine.quant.packed_product import has_kernel

ACTIVATION = "gelu_pytorch_tanh"
"""What the kernels compute of gates, as a configuration names it."""


def usable(device: torch.device) -> bool:
    """Whether kernels run on a device."""
    return torch.version.cuda is not None and has_kernel(device)
