"""Experts that live in main memory: the same answers, and nothing left where they are computed."""

# torch and transformers annotate themselves in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engine.canvas import ScoreQuery
from engine.quant.scheme import Scheme
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


def test_between_forwards_they_are_elsewhere(wide: Path) -> None:
    partly = load(wide, scheme="int4", offloaded=4)
    with partly.prefill(prompt(10)):
        pass
    layers = partly.backbone.decoder_layers
    away = [layer.get_buffer("experts.gate_up_proj.codes").device.type == "meta" for layer in layers]
    assert away == [False, False, True, True, True, True]
