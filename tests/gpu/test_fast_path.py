"""What the fast path asks of a card for a line of the real model: in its graphs, and outside of them."""

# torch annotates itself in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import pytest
import torch
from torch import Tensor

from engine.canvas import DenoiseConfig, ScoreQuery
from engine.cuda import kernels
from engine.cuda.denoiser import CudaDenoiser
from engine.cuda.programs.program import Program
from engine.kv.cache import LayerView
from engine.quant import packed_product
from tests.gpu.card import Card, Tally
from tests.gpu.full_size import denoiser_of, line
from tests.unit.engine.canvases import prompt

pytest.importorskip("triton", reason="Triton is not installed")
from engine.cuda.kernels import experts, layers, sampler
from engine.cuda.kernels.attention import KernelAttention

CONTEXT = 1024

_library = torch.library.Library("dgemma_tests", "DEF")
_library.define("kernel(Tensor[] read, Tensor[] written) -> ()")


def _nothing(_read: object, _written: object) -> None:
    pass


_library.impl("kernel", _nothing, "Meta")


def kernel(read: Sequence[Tensor], written: Sequence[Tensor]) -> None:
    """Stands for a kernel that reads and writes these once."""
    torch.ops.dgemma_tests.kernel(list(read), list(written))


def finished_heads(
    queries: Tensor, keys: Tensor, values: Tensor, _weights: object, _rotation: object, _kept: object,
    context: LayerView, _eps: float,
) -> tuple[Tensor, LayerView]:  # fmt: skip
    shared, width = context.keys.shape[1], context.keys.shape[3]
    out = queries.new_empty(1, len(queries), queries.shape[1] // width, width)
    own = LayerView(*(keys.new_empty(1, shared, len(queries), width) for _ in range(2)))
    kernel([queries, keys, values], [out, own.keys, own.values, own.keys, own.values])
    return out.transpose(1, 2), own


def turned_extra(context: LayerView, sources: Tensor, _rotation: object) -> LayerView:
    shape = (1, context.keys.shape[1], len(sources), context.keys.shape[3])
    own = LayerView(context.keys.new_empty(shape), context.keys.new_empty(shape))
    if len(sources):
        kernel([own.keys, own.values], [own.keys, own.values])
    return own


def attend(
    self: KernelAttention, layer: int, query: Tensor, whole: LayerView, extra: LayerView, own: LayerView
) -> Tensor:
    seen = min(CONTEXT, self.arena.shapes[layer].window or CONTEXT)
    out = query.new_empty(1, query.shape[2], query.shape[1], query.shape[3])
    views = [LayerView(whole.keys[:, :, :seen], whole.values[:, :, :seen]), extra, own]
    kernel([query, *(view.keys for view in views), *(view.values for view in views)], [out])
    return out


def added_attention(stream: Tensor, attended: Tensor, _weights: object, _eps: float) -> tuple[Tensor, ...]:
    outs = tuple(torch.empty_like(stream) for _ in range(4))
    kernel([stream, attended], outs)
    return outs


def routed(scores: Tensor, _scales: object, top: int) -> tuple[Tensor, Tensor]:
    outs = scores.new_empty(len(scores), top, dtype=torch.int64), scores.new_empty(len(scores), top)
    kernel([scores], outs)
    return outs


def joined(stream: Tensor, dense: Tensor, experts: Tensor, *_others: object) -> tuple[Tensor, Tensor]:
    outs = torch.empty_like(stream), torch.empty_like(stream)
    kernel([stream, dense, experts], outs)
    return outs


def gated(gates: Tensor, ups: Tensor) -> Tensor:
    out = gates.new_empty(gates.shape)
    kernel([gates, ups], [out])
    return out


def combined(products: Tensor, places: Tensor, weights: Tensor) -> Tensor:
    out = products.new_empty(len(weights), products.shape[1])
    kernel([products, places, weights], [out])
    return out


def believe(logits: Tensor, _words: object, choices: Tensor, *_others: object, softcap: float) -> Tensor:
    totals = logits.new_empty(len(logits))
    kernel([logits, choices], [])
    kernel([choices], [totals])
    return totals


@pytest.fixture
def standing_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels that compute nothing, as the card does."""

    def yes(_device: object) -> bool:
        return True

    monkeypatch.setattr(kernels, "usable", yes)
    monkeypatch.setattr(packed_product, "has_kernel", yes)
    monkeypatch.setattr(KernelAttention, "attend", attend)
    monkeypatch.setattr(sampler, "believe", believe)
    monkeypatch.setattr(experts, "gated", gated)
    monkeypatch.setattr(experts, "combined", combined)
    for stand_in in (gated, finished_heads, turned_extra, added_attention, routed, joined):
        monkeypatch.setattr(layers, stand_in.__name__, stand_in)


@dataclass(frozen=True, slots=True)
class Cost:
    """Kernels outside of graphs and in them, gigabytes, how often the host waits, and what it sends to the card."""

    outside: int
    inside: int
    gigabytes: float
    waits: int
    uploads: int


TABLE = {
    "prefill": Cost(1, 759, 14.6, 0, 1),
    "step": Cost(7, 815, 16.7, 1, 2),
    "score": Cost(31, 759, 17.1, 1, 6),
}
"""In int4: a new line of 24 tokens is read, 92 of a single line are decoded, and three candidates are scored."""

_SLACK = 0.97


@pytest.mark.usefixtures("standing_in")
def test_costs_only_fall(monkeypatch: pytest.MonkeyPatch) -> None:
    denoiser = CudaDenoiser(denoiser_of("int4").backbone, context_tokens=8192)
    inside: list[Tally] = []
    outside: list[Tally] = []
    costs: dict[str, Cost] = {}

    with Card() as card:

        def replay(program: Program) -> None:
            outside.append(card.take())
            program.operations()
            inside.append(card.take())

        monkeypatch.setattr(Program, "run", replay)

        def note(name: str) -> None:
            outside.append(card.take())
            both = inside + outside
            costs[name] = Cost(
                outside=sum(tally.launches.total() for tally in outside),
                inside=sum(tally.launches.total() for tally in inside),
                gigabytes=round(sum(tally.bytes for tally in both) / 1e9, 1),
                waits=sum(tally.waits.total() for tally in both),
                uploads=sum(tally.uploads.total() for tally in both),
            )
            assert not any(tally.waits or tally.uploads for tally in inside)
            inside.clear()
            outside.clear()

        # In the first round programs are made, as they are when a model is loaded.
        for seed in range(2):
            denoiser.prefill(prompt(CONTEXT - 24, seed)).release()
            note("warm-up")
            with denoiser.prefill(prompt(CONTEXT, seed)) as context:
                note("prefill")
                config = DenoiseConfig(clamped="read_once", max_denoising_steps=1)
                stepper = denoiser.start(context, line(), seeds=range(10), config=config)
                stepper.step()
                note("step")
                denoiser.reader(context).read([ScoreQuery(token_ids=prompt(20, seed=text)) for text in range(3)])
                note("score")
    del costs["warm-up"]
    assert costs.keys() == TABLE.keys()
    for name, allowed in TABLE.items():
        for counted, most in zip(astuple(costs[name]), astuple(allowed), strict=True):
            assert counted <= most, f"{name} costs {costs[name]}, more than {allowed}"
            assert counted >= _SLACK * most, f"lower the table: {name} costs {costs[name]}"
