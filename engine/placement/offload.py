"""Experts that live in main memory and visit the GPU for their layer's turn."""

from __future__ import annotations

import torch
from torch import nn


def offload(experts: nn.Module, device: torch.device) -> None:
    """Have a layer's experts, which lie in main memory, computed on `device`: they come at the layer's turn and are let
    go after it."""
    held = dict(experts.state_dict())
    nowhere = {name: tensor.to("meta") for name, tensor in held.items()}

    def come(module: nn.Module, _given: object) -> None:
        # The host does not wait: what is pinned is copied in its turn, to where the experts before lay.
        there = {name: tensor.to(device, non_blocking=True) for name, tensor in held.items()}
        module.load_state_dict(there, assign=True)

    def go(module: nn.Module, _given: object, _returned: object) -> None:
        module.load_state_dict(nowhere, assign=True)

    experts.register_forward_pre_hook(come)
    experts.register_forward_hook(go, always_call=True)
    experts.load_state_dict(nowhere, assign=True)
