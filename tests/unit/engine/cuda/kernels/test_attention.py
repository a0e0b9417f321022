"""The attention kernel in Triton's interpreter, against torch's operations on random keys."""

# torch annotates itself in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.cuda.arena import Arena
from engine.cuda.programs.attention import FOREVER, PackedAttention, fields
from engine.cuda.programs.program import PackedInputs
from engine.kv.cache import LayerShape, LayerView
from engine.model.backbone import Backbone
from engine.score.trie import Trie
from tests.unit.engine.canvases import DEVICE
from tests.unit.engine.cuda.kernels.tensors import DTYPES, generator

pytest.importorskip("triton", reason="Triton is not installed")
from engine.cuda.kernels.attention import KernelAttention

CAPACITY = 140
WINDOW = 48
TOLERANCE = {torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 2e-2}

Given = dict[str, NDArray[np.int64]]


class Unturned:
    """As much of a backbone as attention asks for."""

    def __init__(self, dtype: torch.dtype) -> None:
        self.dtype = dtype

    def turns(self, positions: Tensor) -> None:
        """None are needed: no key is turned here."""


def canvases(start: int) -> Given:
    """Three rows in both directions; the first two see five extra keys, the third four others."""
    rows = np.repeat([0, 1, 2], [7, 5, 9])
    return {
        "positions": start + np.concatenate([np.arange(7), np.arange(5), np.arange(9)]),
        "places": rows,
        "begins": rows,
        "ends": rows + 1,
        "floors": np.full(21, start),
        "extra_positions": start + np.arange(9),
        "extra_begins": np.repeat([0, 2], [5, 4]),
        "extra_ends": np.repeat([2, 3], [5, 4]),
    }


def prompt(start: int) -> Given:
    """Tokens that each see those before."""
    numbers = np.arange(29)
    return {
        "positions": start + numbers,
        "places": numbers,
        "begins": numbers,
        "ends": np.full(29, FOREVER),
        "floors": start + numbers,
    }


def token_tree(start: int) -> Given:
    """A tree of rows that share prefixes, the first 20 nodes of which were read before."""
    trie = Trie()
    generator = np.random.default_rng(0)
    for _ in range(12):
        trie.put(generator.integers(0, 2, 60).astype(np.int32)[: generator.integers(3, 60)])
    begins, ends = trie.intervals()
    positions = start + trie.depths()
    before, own = slice(0, 20), slice(20, 50)
    return {
        "positions": positions[own],
        "places": begins[own],
        "begins": begins[own],
        "ends": ends[own],
        "floors": positions[own],
        "extra_positions": positions[before],
        "extra_begins": begins[before],
        "extra_ends": ends[before],
    }


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("given", [canvases, prompt, token_tree])
@pytest.mark.parametrize(("width", "shared", "window"), [(256, 2, WINDOW), (512, 1, None)])
@pytest.mark.parametrize("length", [0, 20, 120])
def test_attends_as_torch_does(
    width: int, shared: int, window: int | None, length: int, given: object, dtype: torch.dtype
) -> None:
    heads = shared * {256: 2, 512: 8}[width]
    told: Given = given(length)  # pyright: ignore[reportCallIssue]
    tokens, extra = 32, 32
    arena = Arena(
        (LayerShape(heads=shared, head_dim=width, window=window),), tokens=CAPACITY, device=DEVICE, dtype=dtype
    )
    inputs = PackedInputs(fields(tokens, extra, arena.spill), DEVICE)
    sources = np.random.default_rng(length).permutation(CAPACITY)[: len(told.get("extra_begins", []))]
    inputs.send(context=np.array([7, length]), extra_sources=sources, **told)
    numbers = generator(length)

    def random(*shape: int) -> Tensor:
        return torch.randn(shape, generator=numbers, device="cpu").to(DEVICE, dtype)

    arena.keys[0].copy_(random(*arena.keys[0].shape) * 0.2)
    arena.values[0].copy_(random(*arena.values[0].shape))
    query = (random(1, tokens, heads, width) * 0.2).transpose(1, 2)
    own = LayerView((random(1, tokens, shared, width) * 0.2).transpose(1, 2), random(1, shared, tokens, width))
    own = LayerView(own.keys, own.values.transpose(1, 2).contiguous().transpose(1, 2))
    extra_keys = random(1, shared, extra, width) * 0.2
    whole = LayerView(arena.keys[0], arena.values[0])
    backbone: Backbone = Unturned(dtype)  # pyright: ignore[reportAssignmentType]

    found = KernelAttention(inputs, arena, backbone).attend(0, query, whole, extra_keys, own)
    # In float32, because the kernel keeps its sums in it.
    backbone = Unturned(torch.float32)  # pyright: ignore[reportAssignmentType]
    wide, wide_own = (LayerView(view.keys.float(), view.values.float()) for view in (whole, own))
    expected = PackedAttention(inputs, arena, backbone).attend(0, query.float(), wide, extra_keys.float(), wide_own)
    count = len(told["places"])
    torch.testing.assert_close(found[:, :count].float(), expected[:, :count], atol=TOLERANCE[dtype], rtol=0)
    assert found.isfinite().all()
