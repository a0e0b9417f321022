"""Products with weights that are not packed."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

_HAS_ONEDNN = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def linear(hidden: Tensor, weight: Tensor) -> Tensor:
    """hidden [..., K] · weightᵀ, of a weight [N, K]."""
    if _HAS_ONEDNN and hidden.device.type == "cpu" and hidden.dtype == weight.dtype == torch.float32:
        # torch would ask MKL, which leaves half of what an AMD core can do unused, and more with a wide weight.
        return torch.ops.mkldnn._linear_pointwise(hidden, weight, None, "none", [], "")
    return functional.linear(hidden, weight)


class Linear(nn.Module):
    """A linear layer without a bias. weight: [out, in]."""

    def __init__(self, weight: nn.Parameter) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, hidden: Tensor) -> Tensor:
        return linear(hidden, self.weight)
