"""The experts' kernels in the interpreter, against the module that they stand for."""

# torch annotates itself in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.model.experts import Experts
from engine.quant import packed_product
from engine.quant.formats import Groups
from engine.quant.modules import PackedWeight
from tests.unit.engine.cuda.kernels.tensors import random

pytest.importorskip("triton", reason="Triton is not installed")
from engine.cuda.kernels.experts import CHOICES, aligned, given

EXPERTS, HIDDEN, INNER, TOP = 16, 64, 128, 4


def gelu(values: Tensor) -> Tensor:
    return functional.gelu(values, approximate="tanh")


def chosen_of(tokens: int) -> tuple[Tensor, Tensor]:
    shares, chosen = random(tokens, EXPERTS, seed=4).softmax(-1).topk(TOP)
    return shares, chosen


@pytest.mark.parametrize("tokens", [1, 9, CHOICES // TOP + 3])
def test_rows_are_in_the_order_of_experts_and_of_tokens(tokens: int) -> None:
    _, chosen = chosen_of(tokens)
    # So that some have none.
    chosen = chosen % 11
    rows = aligned(chosen.int(), EXPERTS)
    ordered, order = chosen.flatten().sort(stable=True)
    assert torch.equal(rows.tokens, (order // TOP).int())
    assert torch.equal(rows.ends, torch.searchsorted(ordered, torch.arange(EXPERTS), right=True).int())
    assert torch.equal(ordered[rows.places], chosen)
    assert torch.equal(rows.places.flatten().sort().values, torch.arange(tokens * TOP, dtype=torch.int32))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("tokens", [1, 9])
def test_experts_give_what_their_module_does(monkeypatch: pytest.MonkeyPatch, tokens: int, packed: bool) -> None:
    up, down = 0.1 * random(EXPERTS, 2 * INNER, HIDDEN, seed=1), 0.1 * random(EXPERTS, HIDDEN, INNER, seed=2)
    hidden, (shares, chosen) = random(tokens, HIDDEN, seed=3), chosen_of(tokens)
    experts = Experts(held(up), held(down), gelu) if packed else Experts(nn.Parameter(up), nn.Parameter(down), gelu)
    with torch.inference_mode():
        expected = experts(hidden, chosen, shares)
        if packed:
            with_kernel(monkeypatch)
        rows, places = given(experts, hidden, chosen.int())
        found = (rows[places] * shares[..., None]).sum(1)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def held(weight: Tensor) -> PackedWeight:
    """A weight in int4."""
    made = PackedWeight(tuple(weight.shape), Groups(4), torch.float32)
    for name, part in Groups(4).pack(weight).items():
        setattr(made, name, nn.Buffer(part))
    return made


def with_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Products by the kernel, in the interpreter."""
    from engine.quant import kernels, modules

    def yes(_device: object) -> bool:
        return True

    monkeypatch.setattr(packed_product, "has_kernel", yes)
    monkeypatch.setattr(modules, "packed_product", kernels.packed_product)
