"""Muon for the matrices, Adam for the rest, with one schedule: warm-up, constant, linear decay at the end.

The constant phase does not depend on how long the run will be, so a run can be resumed and prolonged from any state
before the decay. Source for the orthogonalised update: K. Jordan, "Muon", 2024.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
_NEWTON_SCHULZ_STEPS = 5


def orthogonalised(matrices: Tensor) -> Tensor:
    """[..., m, n] to matrices of the same singular vectors whose singular values are all about 1."""
    a, b, c = _NEWTON_SCHULZ
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = x / (torch.linalg.matrix_norm(x, keepdim=True) + 1e-7)
    for _ in range(_NEWTON_SCHULZ_STEPS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised. Parameters are [m, n] or stacks of such; those of `gate_ups` hold a gate above an up
    projection, which are two matrices."""

    def __init__(
        self,
        matrices: Iterable[nn.Parameter],
        gate_ups: Iterable[nn.Parameter],
        *,
        lr: float,
        momentum: float = 0.95,
    ) -> None:
        groups = [{"params": list(matrices), "parts": 1}, {"params": list(gate_ups), "parts": 2}]
        super().__init__(groups, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - takes none.
        """Apply the gradients."""
        for group in self.param_groups:
            for parameter in group["params"]:
                gradient = parameter.grad
                if gradient is None:  # A batch without canvases does not touch self-conditioning.
                    continue
                state = self.state[parameter]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(gradient)
                state["momentum"].lerp_(gradient, 1 - group["momentum"])
                update = gradient.lerp(state["momentum"], group["momentum"])
                parts = update.unflatten(-2, (group["parts"], -1))
                rows, columns = parts.shape[-2:]
                scale = max(1.0, rows / columns) ** 0.5
                parameter.add_(orthogonalised(parts).reshape(parameter.shape), alpha=-group["lr"] * scale)


def optimizers(model: nn.Module, *, muon_lr: float, adam_lr: float) -> tuple[torch.optim.Optimizer, ...]:
    """Muon for the layers' matrices; Adam for embedding, norms and routers."""
    matrices: list[nn.Parameter] = []
    gate_ups: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        if parameter.dim() == 1 or "embed_tokens" in name or "router" in name:
            others.append(parameter)
        else:
            (gate_ups if "gate_up_proj" in name else matrices).append(parameter)
    adam = torch.optim.AdamW(others, lr=adam_lr, betas=(0.9, 0.95), weight_decay=0.0, fused=True)
    return Muon(matrices, gate_ups, lr=muon_lr), adam


def rate(step: int, *, steps: int, warm_up: int, decay: int) -> float:
    """The learning rates' factor at a step: up to 1 over `warm_up` steps, down to 0 over the last `decay`."""
    return min(1.0, (step + 1) / warm_up, (steps - step) / decay if decay else 1.0)
