"""Root-mean-square normalization in one call, where transformers' module makes six of it."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class FusedNorm(nn.Module):
    """x / sqrt(mean(x²) + eps) · weight over the last dimension. weight: as wide as that, or None for 1."""

    def __init__(self, weight: nn.Parameter | None, eps: float) -> None:
        super().__init__()
        self.weight = weight
        self.eps = eps

    def forward(self, hidden: Tensor) -> Tensor:
        return functional.rms_norm(hidden, (hidden.shape[-1],), self.weight, self.eps)
