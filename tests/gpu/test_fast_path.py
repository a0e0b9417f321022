"""What the fast path asks of a card for a line of the real model: in its graphs, and outside of them."""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace

import pytest
import torch

from engine.canvas import DenoiseConfig, ScoreQuery
from engine.cuda.denoiser import CudaDenoiser
from engine.cuda.programs.program import Program
from tests.gpu.card import Card, Tally
from tests.gpu.full_size import denoiser_of, line
from tests.unit.engine.canvases import prompt

CONTEXT = 1024


@dataclass(frozen=True, slots=True)
class Cost:
    """Kernels outside of graphs and in them, gigabytes, how often the host waits, and what it sends to the card."""

    outside: int
    inside: int
    gigabytes: float
    waits: int
    uploads: int


TABLE = {
    "prefill": Cost(1, 408, 14.4, 0, 1),
    "step": Cost(7, 434, 16.0, 1, 2),
    "step before another": Cost(17, 439, 16.8, 1, 2),
    "score": Cost(27, 408, 15.5, 1, 3),
}
"""In int4: a new line of 24 tokens is read, 92 of a single line are decoded, for the last time or before another step,
for which what is believed is mixed into mean embeddings, and three candidates are scored."""

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
                stepper = denoiser.start(
                    context, line(), seeds=range(10), config=replace(config, max_denoising_steps=2)
                )
                stepper.step()
                note("step before another")
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
