"""Experts that live in main memory and visit the GPU for their layer's turn, by accelerate's hooks."""

from __future__ import annotations

import torch
from accelerate.hooks import (  # pyright: ignore[reportMissingTypeStubs] - there are none.
    AlignDevicesHook,
    add_hook_to_module,
)
from torch import nn


def offload(experts: nn.Module, device: torch.device) -> None:
    """Have a layer's experts, which lie in main memory, computed on `device`: they come at the layer's turn and are let
    go after it."""
    held = {name: tensor.data for name, tensor in (*experts.named_parameters(), *experts.named_buffers())}
    hook = AlignDevicesHook(
        execution_device=device, offload=True, weights_map=held, offload_buffers=True, place_submodules=True
    )
    add_hook_to_module(experts, hook)
