"""The experts' kernels in the interpreter, against the modules that they stand for."""

# torch annotates itself in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.model.experts import Experts

pytest.importorskip("triton", reason="Triton is not installed")
from engine.cuda.kernels.experts import BLOCK, combined, gated, mixed

# Of values around 1 in half precision.
TOLERANCE = {torch.float32: 1e-5, torch.float16: 5e-3}


def random(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def gelu(values: Tensor) -> Tensor:
    return functional.gelu(values, approximate="tanh")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_gates(dtype: torch.dtype) -> None:
    gates, ups = (4 * random(3, 2 * (BLOCK + 8), dtype=dtype)).chunk(2, dim=-1)
    torch.testing.assert_close(gated(gates, ups), gelu(gates) * ups, atol=TOLERANCE[dtype], rtol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_sums_by_token(dtype: torch.dtype) -> None:
    products, weights = random(12, 40, dtype=dtype), random(3, 4, seed=1)
    places = torch.randperm(12, generator=torch.Generator().manual_seed(2))
    expected = (products[places].view(3, 4, 40).float() * weights[..., None]).sum(1).to(dtype)
    found = combined(products, places, weights)
    torch.testing.assert_close(found, expected, atol=TOLERANCE[dtype], rtol=TOLERANCE[dtype])


@pytest.mark.parametrize("tokens", [1, 9])
def test_experts_give_what_their_module_does(tokens: int) -> None:
    count, hidden, inner, top = 16, 64, 24, 4
    up, down = 0.1 * random(count, 2 * inner, hidden, seed=1), 0.1 * random(count, hidden, inner, seed=2)
    experts = Experts(nn.Parameter(up), nn.Parameter(down), gelu)
    inputs = random(tokens, hidden, seed=3)
    share, chosen = random(tokens, count, seed=4).softmax(-1).topk(top)
    with torch.inference_mode():
        found, expected = mixed(experts, inputs, chosen, share), experts(inputs, chosen, share)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)
