"""Products with several packed weights in the interpreter, against those with the unpacked ones."""

# torch annotates itself in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import gelu

from engine.quant.formats import Groups
from engine.quant.modules import Grouped
from tests.unit.engine.cuda.kernels.tensors import DTYPES, random, random_integers

pytest.importorskip("triton", reason="Triton is not installed")
from engine.cuda.kernels.products import gated_products, joint_products

TOLERANCE = {torch.float32: (1e-3, 1e-5), torch.float16: (0.2, 1e-2), torch.bfloat16: (0.5, 2e-2)}


def packed(bits: int, *shape: int, seed: int) -> tuple[Grouped, Tensor]:
    """A random weight in groups, and what that unpacks to."""
    parts = Groups(bits).pack(random(*shape, seed=seed))
    return Grouped(parts["codes"], parts["scales"]), Groups(bits).unpack(parts, shape, torch.float32)


def close(found: Tensor, expected: Tensor) -> None:
    atol, rtol = TOLERANCE[found.dtype]
    torch.testing.assert_close(found.float(), expected, atol=atol, rtol=rtol)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bits", [4, 8])
# Sizes that fill no block; one, two and three weights; tiles of 16, 32 and 64 rows.
@pytest.mark.parametrize(("count", "sizes"), [(5, (96, 40, 70)), (20, (64, 33)), (90, (50,)), (3, (32, 32, 32))])
def test_several_weights_are_multiplied_as_each_would_be(
    count: int, sizes: tuple[int, ...], bits: int, dtype: torch.dtype
) -> None:
    rows = random(count, 128).to(dtype)
    weights = [packed(bits, size, 128, seed=1 + number) for number, size in enumerate(sizes)]
    found = joint_products(rows, [weight for weight, _ in weights])
    assert len(found) == len(sizes)
    for own, (_, dense) in zip(found, weights, strict=True):
        close(own, rows.float() @ dense.T)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize(("count", "outputs"), [(5, 96), (40, 33)])
def test_gates_of_all_rows(count: int, outputs: int, bits: int, dtype: torch.dtype) -> None:
    rows = 0.1 * random(count, 192).to(dtype)
    (gates, dense_gates), (ups, dense_ups) = (packed(bits, outputs, 192, seed=seed) for seed in (1, 2))
    found = gated_products(rows, gates, ups, None, None)
    close(found, gelu(rows.float() @ dense_gates.T, approximate="tanh") * (rows.float() @ dense_ups.T))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bits", [4, 8])
# Entries without rows, and more rows than a tile has.
@pytest.mark.parametrize(("ends", "inner"), [([5, 5, 20, 37], 96), ([70, 90, 91], 70)])
def test_gates_of_entries(ends: list[int], inner: int, bits: int, dtype: torch.dtype) -> None:
    hidden = 0.1 * random(11, 128).to(dtype)
    weight, dense = packed(bits, len(ends), 2 * inner, 128, seed=1)
    tokens = random_integers(11, ends[-1], seed=2, dtype=torch.int32)
    found = gated_products(hidden, *weight.halves(), tokens, torch.tensor(ends, dtype=torch.int32))
    rows = hidden.float()[tokens]
    both = torch.cat([rows[begin:end] @ entry.T for begin, end, entry in zip([0, *ends], ends, dense, strict=False)])
    close(found, gelu(both[:, :inner], approximate="tanh") * both[:, inner:])
