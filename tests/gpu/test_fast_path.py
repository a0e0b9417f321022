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
from engine.quant.modules import Grouped
from tests.gpu.card import Card, Tally
from tests.gpu.full_size import denoiser_of, line
from tests.unit.engine.canvases import prompt

pytest.importorskip("triton", reason="Triton is not installed")
from engine.cuda.kernels import experts, layers, products, sampler
from engine.cuda.kernels.attention import KernelAttention
from engine.cuda.kernels.experts import Alignment

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
    products: Sequence[Tensor], _weights: object, _rotation: object, _kept: object, context: LayerView,
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
    monkeypatch.setattr(products, "joint_products", joint_products)
    monkeypatch.setattr(products, "gated_products", gated_products)
    monkeypatch.setattr(experts, "gated_products", gated_products)
    monkeypatch.setattr(experts, "aligned", aligned)
    for stand_in in (finished_heads, added_attention, routed, joined):
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
    "prefill": Cost(1, 434, 14.4, 0, 1),
    "step": Cost(7, 460, 16.0, 1, 2),
    "score": Cost(31, 434, 16.7, 1, 6),
}
"""In int4: a new line of 24 tokens is read, 92 of a single line are decoded, and three candidates are scored."""

LAYER = 13
"""Kernels of a layer in int4."""

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


@pytest.mark.usefixtures("standing_in")
def test_kernels_of_a_layer() -> None:
    """By what six layers more take."""
    counted: list[int] = []
    for layers_there in (6, 12):
        backbone = denoiser_of("int4", num_hidden_layers=layers_there).backbone
        denoiser = CudaDenoiser(backbone, context_tokens=64)
        with torch.inference_mode(), Card() as card:
            denoiser.programs.forward("decode", 16, 256).program.operations()
            counted.append(card.take().launches.total())
    assert counted[1] - counted[0] == 6 * LAYER
