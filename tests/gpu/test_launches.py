"""What forwards of the real model ask of a card, against a table that may only fall."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TypeAlias

import pytest
import torch

from engine.canvas import DenoiseConfig, ScoreQuery
from engine.quant import packed_product
from engine.quant.scheme import Scheme
from tests.gpu.card import Card, Tally
from tests.gpu.full_size import denoiser_of, line
from tests.unit.engine.canvases import prompt


@dataclass(frozen=True, slots=True)
class Cost:
    """Kernels, gigabytes that they read and write, how often the host waits, and what it sends to the card."""

    launches: int
    gigabytes: float
    waits: int
    uploads: int

    @classmethod
    def of(cls, tally: Tally) -> Cost:
        return cls(tally.launches.total(), round(tally.bytes / 1e9, 1), tally.waits.total(), tally.uploads.total())


Costs: TypeAlias = dict[str, Cost]

TABLE: dict[tuple[Scheme, bool], Costs] = {
    ("int4", True): {
        "prefill": Cost(1862, 15.8, 0, 1),
        "start": Cost(113, 0.0, 0, 102),
        "step": Cost(2451, 22.3, 1, 4),
        "score": Cost(1917, 19.5, 1, 7),
    },
    ("none", True): {
        "prefill": Cost(1859, 51.0, 0, 1),
        "start": Cost(113, 0.0, 0, 102),
        "step": Cost(2448, 58.1, 1, 4),
        "score": Cost(1914, 55.4, 1, 7),
    },
    ("nf4", False): {
        "prefill": Cost(6043, 123.4, 0, 1),
        "start": Cost(113, 0.0, 0, 102),
        "step": Cost(6703, 142.9, 1, 4),
        "score": Cost(6157, 136.5, 1, 7),
    },
}
"""By scheme, and whether the card has the kernel that multiplies what is packed."""

_SLACK = 0.97
"""The share of a figure in the table that is still none the less; what is lower lowers the table."""


def costs_of(scheme: Scheme) -> Costs:
    """A new line of 24 tokens is read, 92 tokens of a single line are decoded, in a step that ends with the copy of its
    result, and three candidates are scored."""
    denoiser = denoiser_of(scheme)
    costs: Costs = {}
    with Card() as card:
        denoiser.prefill(prompt(1000)).release()
        card.take()
        with denoiser.prefill(prompt(1024)) as context:
            costs["prefill"] = Cost.of(card.take())
            config = DenoiseConfig(clamped="read_once", max_denoising_steps=1)
            stepper = denoiser.start(context, line(), seeds=range(10), config=config)
            costs["start"] = Cost.of(card.take())
            stepper.step()
            costs["step"] = Cost.of(card.take())
            denoiser.reader(context).read([ScoreQuery(token_ids=prompt(20, seed=seed)) for seed in range(3)])
            costs["score"] = Cost.of(card.take())
    return costs


@pytest.mark.parametrize(("scheme", "kernel"), TABLE)
def test_costs_only_fall(monkeypatch: pytest.MonkeyPatch, scheme: Scheme, kernel: bool) -> None:
    def has_kernel(_device: torch.device) -> bool:
        return kernel

    monkeypatch.setattr(packed_product, "has_kernel", has_kernel)
    costs = costs_of(scheme)
    for name, allowed in TABLE[scheme, kernel].items():
        for counted, most in zip(astuple(costs[name]), astuple(allowed), strict=True):
            assert counted <= most, f"{name} of {scheme} costs {costs[name]}, more than {allowed}"
            assert counted >= _SLACK * most, f"lower the table: {name} of {scheme} costs {costs[name]}"
