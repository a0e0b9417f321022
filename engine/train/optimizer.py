"""Muon for the matrices, Adam for the rest, with one schedule: warm-up, constant, linear decay at the end.

The constant phase does not depend on how long the run will be, so a run can be resumed and prolonged from any state
before the decay. Source for the orthogonalised update: K. Jordan, "Muon", 2024.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn

_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
_NEWTON_SCHULZ_STEPS = 5


def orthogonalised(matrices: Tensor) -> Tensor:
    """[..., m, n] to matrices of the same singular vectors whose singular values are all about 1."""
    a, b, c = _NEWTON_SCHULZ
    tall = matrices.shape[-2] > matrices.shape[-1]
    stack = matrices.flatten(0, -3) if matrices.dim() > 2 else matrices[None]
    x = stack.mT if tall else stack
    norm = cast(Tensor, torch.linalg.matrix_norm(x, keepdim=True))  # pyright: ignore[reportUnknownMemberType] - untyped.
    x = x / (norm + 1e-7)
    for _ in range(_NEWTON_SCHULZ_STEPS):
        gram = x @ x.mT
        # a x + (b gram + c gram²) x, with as few passes over memory as can be.
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x.mT if tall else x).reshape(matrices.shape)


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised. Parameters are [m, n] or stacks of such; those of `gate_ups` hold a gate above an up
    projection, which are two matrices. precision: of the orthogonalisation, which needs little."""

    def __init__(
        self,
        matrices: Iterable[nn.Parameter],
        gate_ups: Iterable[nn.Parameter],
        *,
        lr: float,
        momentum: float = 0.95,
        precision: torch.dtype = torch.float32,
    ) -> None:
        self._precision = precision
        groups = [{"params": list(matrices), "parts": 1}, {"params": list(gate_ups), "parts": 2}]
        super().__init__(groups, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - takes none.
        """Apply the gradients."""
        # Matrices of one shape go through one product: many small ones would each leave the processor waiting.
        stacks: dict[torch.Size, list[tuple[nn.Parameter, Tensor]]] = {}
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:  # A batch without canvases does not touch self-conditioning.
                    continue
                state = self.state[parameter]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(parameter)
                state["momentum"].lerp_(parameter.grad, 1 - group["momentum"])
                ahead = parameter.grad.lerp(state["momentum"], group["momentum"])
                parts = ahead.view(-1, parameter.shape[-2] // group["parts"], parameter.shape[-1])
                stacks.setdefault(parts.shape[1:], []).append((parameter, parts))
        for shape, held in stacks.items():
            directions = orthogonalised(torch.cat([parts for _, parts in held]).to(self._precision))
            alpha = -self.param_groups[0]["lr"] * max(1.0, shape[0] / shape[1]) ** 0.5
            for (parameter, _), direction in zip(
                held, torch.split(directions, [len(parts) for _, parts in held]), strict=True
            ):
                parameter.add_(direction.reshape(parameter.shape), alpha=alpha)


def optimizers(
    model: nn.Module, *, muon_lr: float, adam_lr: float, bfloat16: bool = False
) -> tuple[torch.optim.Optimizer, ...]:
    """Muon for the layers' matrices, its products in bfloat16 on demand; Adam for embedding, norms and routers."""
    matrices: list[nn.Parameter] = []
    gate_ups: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        if parameter.dim() == 1 or "embed_tokens" in name or "router" in name:
            others.append(parameter)
        else:
            (gate_ups if "gate_up_proj" in name else matrices).append(parameter)
    adam = torch.optim.AdamW(others, lr=adam_lr, betas=(0.9, 0.95), weight_decay=0.0, fused=True)
    precision = torch.bfloat16 if bfloat16 else torch.float32
    return Muon(matrices, gate_ups, lr=muon_lr, precision=precision), adam


def rate(step: int, *, steps: int, warm_up: int, decay: int) -> float:
    """The learning rates' factor at a step: up to 1 over `warm_up` steps, down to 0 over the last `decay`."""
    return min(1.0, (step + 1) / warm_up, (steps - step) / decay if decay else 1.0)
