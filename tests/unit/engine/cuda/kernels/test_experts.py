"""The experts' kernels in the interpreter, against the modules that they stand for."""

# torch annotates itself in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.quant.formats import Groups
from engine.quant.modules import PackedExperts, PackedWeight

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
def test_experts_give_what_their_module_does(tokens: int, monkeypatch: pytest.MonkeyPatch) -> None:
    count, hidden, inner, top = 16, 64, 64, 4
    form = Groups(4)
    weights = {"up": random(count, 2 * inner, hidden, seed=1), "down": random(count, hidden, inner, seed=2)}
    packed: dict[str, PackedWeight] = {}
    for name, weight in weights.items():
        packed[name] = PackedWeight(tuple(weight.shape), form, torch.float32)
        for part, tensor in form.pack(0.1 * weight).items():
            setattr(packed[name], part, nn.Buffer(tensor))
    experts = PackedExperts(packed["up"], packed["down"], gelu)
    inputs = random(tokens, hidden, seed=3)
    share, chosen = random(tokens, count, seed=4).softmax(-1).topk(top)
    assert mixed(experts, inputs, chosen, share) is None
    expected = experts(inputs, chosen, share)

    def multiplied(self: PackedWeight, rows: Tensor, ends: Tensor) -> Tensor:
        return functional.grouped_mm(rows, self.dense().mT, offs=ends)

    monkeypatch.setattr(PackedWeight, "multiplied", multiplied)
    torch.testing.assert_close(mixed(experts, inputs, chosen, share), expected, atol=1e-5, rtol=1e-4)
