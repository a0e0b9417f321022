"""Kernels of the fast path that compute nothing, for the card that computes nothing."""

# torch annotates itself in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from engine.cuda import kernels
from engine.cuda.kernels import experts, layers, products, sampler
from engine.cuda.kernels.attention import KernelAttention
from engine.cuda.kernels.experts import Alignment
from engine.kv.cache import LayerView
from engine.quant import packed_product
from engine.quant.modules import Grouped

CONTEXT = 1024
"""Tokens of context that attention is taken to see."""

_operators = torch.library.Library("dgemma_tests", "DEF")
_operators.define("kernel(Tensor[] read, Tensor[] written) -> ()")


def _nothing(_read: object, _written: object) -> None:
    pass


_operators.impl("kernel", _nothing, "Meta")


def kernel(read: Sequence[Tensor], written: Sequence[Tensor]) -> None:
    """Stands for a kernel that reads and writes these once."""
    torch.ops.dgemma_tests.kernel(list(read), list(written))


def finished_heads(
    products: Sequence[Tensor], _weights: object, _turn: object, _kept: object, context: LayerView,
    sources: Tensor, _shifts: object, _eps: float,
) -> tuple[Tensor, LayerView, Tensor]:  # fmt: skip
    shared, width = context.keys.shape[1], context.keys.shape[3]
    tokens = len(products[0])
    out = products[0].new_empty(1, tokens, products[0].shape[1] // width, width)
    own = LayerView(*(out.new_empty(1, shared, tokens, width) for _ in range(2)))
    extra_keys = out.new_empty(1, shared, len(sources), width)
    views = [own.keys, own.values]
    kernel([*products, extra_keys], [out, *views, *views, extra_keys])
    return out.transpose(1, 2), own, extra_keys


def attend(
    self: KernelAttention, layer: int, query: Tensor, whole: LayerView, extra_keys: Tensor, own: LayerView
) -> Tensor:
    seen = min(CONTEXT, self.arena.shapes[layer].window or CONTEXT)
    out = query.new_empty(1, query.shape[2], query.shape[1], query.shape[3])
    # Of extra keys the values are read in the arena.
    views = [whole.keys[:, :, :seen], whole.values[:, :, :seen], extra_keys, extra_keys, own.keys, own.values]
    kernel([query, *views], [out])
    return out


def added_attention(stream: Tensor, attended: Tensor, _weights: object, _eps: float) -> tuple[Tensor, ...]:
    outs = tuple(torch.empty_like(stream) for _ in range(4))
    kernel([stream, attended], outs)
    return outs


def routed(scores: Tensor, _scales: object, top: int) -> tuple[Tensor, Tensor]:
    outs = scores.new_empty(len(scores), top, dtype=torch.int32), scores.new_empty(len(scores), top)
    kernel([scores], outs)
    return outs


def aligned(chosen: Tensor, experts: int) -> Alignment:
    rows = Alignment(chosen.new_empty(chosen.numel()), torch.empty_like(chosen), chosen.new_empty(experts))
    kernel([chosen], rows)
    return rows


def joined(
    stream: Tensor, dense: Tensor, experts: Tensor, places: Tensor, shares: Tensor, *_others: object
) -> tuple[Tensor, Tensor]:
    outs = torch.empty_like(stream), torch.empty_like(stream)
    kernel([stream, dense, experts, places, shares], outs)
    return outs


def joint_products(rows: Tensor, weights: Sequence[Grouped]) -> Sequence[Tensor]:
    sizes = [weight.scales.shape[0] for weight in weights]
    out = rows.new_empty(len(rows), sum(sizes))
    kernel([rows, *(part for weight in weights for part in (weight.codes, weight.scales))], [out])
    return out.split(sizes, dim=1)


def gated_products(rows: Tensor, gates: Grouped, ups: Grouped, tokens: Tensor | None, ends: Tensor | None) -> Tensor:
    out = rows.new_empty(len(rows) if tokens is None else len(tokens), gates.scales.shape[-2])
    told = [each for each in (tokens, ends) if each is not None]
    kernel([rows, gates.codes, gates.scales, ups.codes, ups.scales, *told], [out])
    return out


def gated(gates: Tensor, ups: Tensor) -> Tensor:
    out = gates.new_empty(gates.shape)
    kernel([gates, ups], [out])
    return out


def believe(logits: Tensor, _words: object, choices: Tensor, *_others: object, softcap: float) -> Tensor:
    totals = logits.new_empty(len(logits))
    kernel([logits, choices], [])
    kernel([choices], [totals])
    return totals


def distributions(logits: Tensor, _words: object, choices: Tensor, *_others: object, **options: torch.dtype) -> Tensor:
    out = torch.empty_like(logits, dtype=options["dtype"])
    kernel([logits, choices], [out])
    return out


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts them in the kernels' places."""

    def yes(_device: object) -> bool:
        return True

    monkeypatch.setattr(kernels, "usable", yes)
    monkeypatch.setattr(packed_product, "has_kernel", yes)
    monkeypatch.setattr(KernelAttention, "attend", attend)
    monkeypatch.setattr(sampler, "believe", believe)
    monkeypatch.setattr(sampler, "distributions", distributions)
    monkeypatch.setattr(products, "joint_products", joint_products)
    monkeypatch.setattr(products, "gated_products", gated_products)
    monkeypatch.setattr(experts, "gated_products", gated_products)
    monkeypatch.setattr(experts, "aligned", aligned)
    monkeypatch.setattr(products, "gated", gated)
    monkeypatch.setattr(experts, "gated", gated)
    for stand_in in (finished_heads, added_attention, routed, joined):
        monkeypatch.setattr(layers, stand_in.__name__, stand_in)
