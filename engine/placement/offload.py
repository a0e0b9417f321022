"""Experts that live in main memory and visit the GPU for their layer's turn."""

from __future__ import annotations

import torch
from accelerate.utils import (  # pyright: ignore[reportMissingTypeStubs] - there are none.
    set_module_tensor_to_device,
)
from torch import nn


def offload(experts: nn.Module, device: torch.device) -> None:
    """Have a layer's experts, which lie in main memory, computed on `device`: they come at the layer's turn and are let
    go after it.

    Not by accelerate's own hook, which waits for each tensor, gives torch's idle memory back to the driver with each,
    for which the card has to stop, and leaves them there where the layer fails.
    """
    held = {name: tensor.data for name, tensor in (*experts.named_parameters(), *experts.named_buffers())}

    def come(module: nn.Module, _given: object) -> None:
        for name, tensor in held.items():
            # The host does not wait: what is pinned is copied in its turn, to where the experts before lay.
            set_module_tensor_to_device(module, name, device, value=tensor, non_blocking=True, clear_cache=False)

    def go(module: nn.Module, _given: object = None, _returned: object = None) -> None:
        for name in held:
            set_module_tensor_to_device(module, name, "meta")

    experts.register_forward_pre_hook(come)
    experts.register_forward_hook(go, always_call=True)
    go(experts)
