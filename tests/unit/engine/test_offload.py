"""Experts that live in main memory: the same answers, and nothing left where they are computed."""

# torch and transformers annotate themselves in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.canvas import ScoreQuery
from engine.model import experts
from engine.quant.scheme import Scheme
from engine.reference import ReferenceDenoiser
from engine.weights.load import load
from tests.unit.engine.canvases import prompt


@pytest.mark.parametrize("scheme", ["none", "int4"])
def test_the_answers_are_the_same(wide: Path, tmp_path: Path, scheme: Scheme) -> None:
    whole, partly = (load(wide, scheme=scheme, offloaded=count, cache=tmp_path) for count in (0, 4))
    scores: list[torch.Tensor] = []
    for denoiser in (whole, partly):
        with denoiser.prefill(prompt(10)) as context:
            [read] = denoiser.reader(context).read([ScoreQuery(token_ids=prompt(20, seed=1))])
            scores.append(torch.from_numpy(read.log_probs))
    assert torch.equal(*scores)


def away(denoiser: ReferenceDenoiser) -> list[bool]:
    """Whether each layer's experts are elsewhere."""
    layers = denoiser.backbone.decoder_layers
    return [layer.get_buffer("experts.gate_up_proj.codes").device.type == "meta" for layer in layers]


def test_between_forwards_they_are_elsewhere(wide: Path) -> None:
    partly = load(wide, scheme="int4", offloaded=4)
    with partly.prefill(prompt(10)):
        pass
    assert away(partly) == [False, False, True, True, True, True]


def test_what_fails_leaves_none_behind(wide: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where memory runs out in the middle of a layer."""
    partly = load(wide, scheme="int4", offloaded=4)
    multiplied = experts.multiplied
    calls = count()

    def failing(*given: Any) -> torch.Tensor:  # noqa: ANN401 - whatever the products take.
        if next(calls) == 7:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return multiplied(*given)

    monkeypatch.setattr(experts, "multiplied", failing)
    with pytest.raises(torch.OutOfMemoryError):
        partly.prefill(prompt(10))
    assert away(partly) == [False, False, True, True, True, True]
