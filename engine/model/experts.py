"""A layer's experts, packed or not, called as transformers calls its own."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.quant.modules import PackedWeight


class Experts(nn.Module):
    """All experts of a layer. All are multiplied with: which of them some token chose is known to the device alone, and
    asking it would stop the step.

    gate_up_proj: [E, 2I, H]. down_proj: [E, H, I].
    """

    def __init__(
        self,
        gate_up_proj: nn.Parameter | PackedWeight,
        down_proj: nn.Parameter | PackedWeight,
        activation: Callable[[Tensor], Tensor],
    ) -> None:
        super().__init__()
        self.gate_up_proj = gate_up_proj
        self.down_proj = down_proj
        self.activation = activation

    def forward(self, hidden_states: Tensor, top_k_index: Tensor, top_k_weights: Tensor) -> Tensor:
        """hidden_states: [N, H]. top_k_index, top_k_weights: [N, K]. The weighted sum, [N, H]."""
        chosen, order = top_k_index.flatten().sort(stable=True)
        experts = torch.arange(self.gate_up_proj.shape[0], device=chosen.device)
        ends = torch.searchsorted(chosen, experts, right=True, out_int32=True)
        inputs = hidden_states[order // top_k_index.shape[1]]
        gate, up = multiplied(self.gate_up_proj, inputs, ends).chunk(2, dim=-1)
        products = multiplied(self.down_proj, self.activation(gate).mul_(up), ends)
        by_token = torch.empty_like(products).index_copy_(0, order, products).view(*top_k_index.shape, -1)
        return (by_token * top_k_weights[..., None]).sum(dim=1).to(hidden_states.dtype)


def multiplied(weight: Tensor | PackedWeight, rows: Tensor, ends: Tensor) -> Tensor:
    """Products [M, N] of rows [M, K] with their own entries of a weight [E, N, K]; `ends` says where each one's end."""
    if isinstance(weight, PackedWeight):
        return weight.multiplied_by_entry(rows, ends)
    return functional.grouped_mm(rows, weight.mT, offs=ends)
