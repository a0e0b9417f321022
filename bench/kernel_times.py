"""Milliseconds of attention and of the sampler by shape, at the real model's widths, as the fast path calls them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch

from bench.roofline import synchronize
from engine.cuda import kernels
from engine.cuda.arena import Arena
from engine.cuda.programs.attention import PackedAttention, fields
from engine.cuda.programs.choices import ChoiceTable
from engine.cuda.programs.program import PackedInputs
from engine.denoise.allowed import ANYTHING
from engine.kv.cache import LayerShape, LayerView

_SHAPES = (LayerShape(heads=8, head_dim=256, window=1024), LayerShape(heads=2, head_dim=512, window=None))
_HEADS = 16
_VOCABULARY = 262_144
_TIMED = 20


class _Unturned:
    """As much of a backbone as attention asks for; no key is turned."""

    def __init__(self, dtype: torch.dtype) -> None:
        self.dtype = dtype

    def rotations(self, positions: object) -> None:
        pass


def kernel_times(device: torch.device, *, small: bool) -> dict[str, Any]:
    """By shape, each with the bandwidth that it comes to. small: a few shapes, in torch's operations."""
    dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
    tokens = (16,) if small else (16, 96, 256)
    contexts = (64,) if small else (1024, 8192, 32_768)
    found = dict(_attention(device, dtype, tokens, contexts))
    if kernels.usable(device):
        found |= dict(_sampler(device, dtype))
    return found


def _attention(
    device: torch.device, dtype: torch.dtype, tokens: tuple[int, ...], contexts: tuple[int, ...]
) -> Iterator[tuple[str, dict[str, float]]]:
    kind: Any = PackedAttention
    if kernels.usable(device):
        from engine.cuda.kernels.attention import KernelAttention

        kind = KernelAttention
    for shape in _SHAPES:
        for context in contexts:
            arena = Arena((shape,), tokens=context, device=device, dtype=dtype)
            whole = LayerView(arena.keys[0], arena.values[0])
            for count in tokens:
                inputs = PackedInputs(fields(count, 0, arena.spill), device)
                row = np.zeros(count, np.int64)
                inputs.send(
                    context=np.array([0, context]), places=row, begins=row, ends=row + 1, floors=row + context,
                    positions=context + np.arange(count),
                )  # fmt: skip
                attend = kind(inputs, arena, _Unturned(dtype))
                query = torch.randn(1, _HEADS, count, shape.head_dim, device=device, dtype=dtype)
                own = LayerView(*torch.randn(2, 1, shape.heads, count, shape.head_dim, device=device, dtype=dtype))
                seconds = _seconds(device, partial(attend.attend, 0, query, whole, own.keys[:, :, :0], own))
                seen = min(context, shape.window or context) + count
                moved = 2 * seen * shape.heads * shape.head_dim * dtype.itemsize
                name = f"attention of {count} tokens, heads of {shape.head_dim}, {context} of context"
                yield name, {"ms": 1_000 * seconds, "gb_s": moved / seconds / 1e9}


def _sampler(device: torch.device, dtype: torch.dtype) -> Iterator[tuple[str, dict[str, float]]]:
    from engine.cuda.kernels.sampler import believe

    table = ChoiceTable(_VOCABULARY, device)
    for count in (16, 64, 256):
        logits = torch.randn(count, _VOCABULARY, device=device, dtype=dtype)
        choices = torch.from_numpy(table.numbers([ANYTHING] * count)).to(device)
        temperature = torch.ones(1, dtype=torch.float64, device=device)
        bits = torch.zeros(count, dtype=torch.int64, device=device)
        result = torch.zeros(count, 18, dtype=torch.int32, device=device)
        given = (logits, table.words, choices, temperature, bits, result)
        seconds = _seconds(device, partial(believe, *given, softcap=30.0))
        yield f"sampler of {count} positions", {"ms": 1_000 * seconds, "gb_s": logits.nbytes / seconds / 1e9}


def _seconds(device: torch.device, work: Callable[[], object]) -> float:
    """Of one run among several that nobody waits for."""
    work()
    synchronize(device)
    began = time.perf_counter()
    for _ in range(_TIMED):
        work()
    synchronize(device)
    return (time.perf_counter() - began) / _TIMED
