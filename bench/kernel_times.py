"""Milliseconds of the fast path's attention, sampler and products in int4 by shape, at the real model's widths."""

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
from engine.quant.modules import Grouped

_SHAPES = (LayerShape(heads=8, head_dim=256, window=1024), LayerShape(heads=2, head_dim=512, window=None))
_HEADS = 16
_HIDDEN, _INNER, _EXPERTS, _CHOSEN = 2816, 704, 128, 8
_VOCABULARY = 262_144
_TIMED = 20


class _Unturned:
    """As much of a backbone as attention asks for; no key is turned."""

    def __init__(self, dtype: torch.dtype) -> None:
        self.dtype = dtype

    def turns(self, positions: object) -> None:
        pass


def kernel_times(device: torch.device, *, small: bool) -> dict[str, Any]:
    """By shape, each with the bandwidth that it comes to. small: a few shapes, in torch's operations."""
    dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
    tokens = (16,) if small else (16, 96, 256)
    contexts = (64,) if small else (1024, 8192, 32_768)
    found = dict(_attention(device, dtype, tokens, contexts))
    if kernels.usable(device):
        found |= dict(_sampler(device, dtype))
        found |= dict(_products(device, dtype))
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


def _products(device: torch.device, dtype: torch.dtype) -> Iterator[tuple[str, dict[str, float]]]:
    """Those of a sliding layer and of the vocabulary. What fits into a card's cache, as query, key and value may, seems
    quicker than it is."""
    from engine.cuda.kernels.products import gated_products, joint_products
    from engine.quant.kernels import packed_mixture, packed_product

    gates, downs = _weights(device, 4, _EXPERTS, 2 * _INNER, _HIDDEN), _weights(device, 4, _EXPERTS, _HIDDEN, _INNER)
    sides = [_weights(device, 8, outputs, _HIDDEN) for outputs in (4096, 2048, 2048)]
    vocabulary = _weights(device, 8, _VOCABULARY, _HIDDEN)
    for count in (16, 96, 256):
        rows = torch.randn(count, _HIDDEN, device=device, dtype=dtype)
        believed = torch.full((count, _VOCABULARY), 1 / _VOCABULARY, device=device, dtype=dtype)
        chosen = torch.rand(count, _EXPERTS, device=device).topk(_CHOSEN).indices.flatten()
        ordered, order = chosen.sort(stable=True)
        tokens = (order // _CHOSEN).int()
        ends = torch.searchsorted(ordered, torch.arange(_EXPERTS, device=device), right=True, out_int32=True)
        inner = torch.randn(len(tokens), _INNER, device=device, dtype=dtype)
        works: dict[str, tuple[Callable[[], object], int]] = {
            "experts' gates": (lambda r=rows, t=tokens, e=ends: gated_products(r, *gates.halves(), t, e), gates.nbytes),
            "experts' last": (
                lambda i=inner, e=ends: packed_product(i, downs.codes, downs.scales, e),
                downs.nbytes,
            ),
            "query, key and value": (lambda r=rows: joint_products(r, sides), sum(side.nbytes for side in sides)),
            "vocabulary": (
                lambda r=rows: packed_product(r, vocabulary.codes, vocabulary.scales, None),
                vocabulary.nbytes,
            ),
            "beliefs and vocabulary": (
                lambda b=believed: packed_mixture(b, vocabulary.codes, vocabulary.scales),
                vocabulary.nbytes + believed.nbytes,
            ),
        }
        for name, (work, moved) in works.items():
            seconds = _seconds(device, work)
            yield f"product of {name}, {count} tokens", {"ms": 1_000 * seconds, "gb_s": moved / seconds / 1e9}


def _weights(device: torch.device, bits: int, *shape: int) -> Grouped:
    """Random codes with one scale."""
    *leading, inputs = shape
    kind = torch.uint8 if bits == 4 else torch.int8
    codes = torch.randint(0, 128, (*leading, inputs * bits // 8), dtype=kind, device=device)
    return Grouped(codes, torch.full((*leading, inputs // 64), 0.01, dtype=torch.float16, device=device))


def _seconds(device: torch.device, work: Callable[[], object]) -> float:
    """Of one run among several that nobody waits for."""
    work()
    synchronize(device)
    began = time.perf_counter()
    for _ in range(_TIMED):
        work()
    synchronize(device)
    return (time.perf_counter() - began) / _TIMED
