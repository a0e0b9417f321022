"""The fast path with the kernels, in the interpreter, against the reference."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.canvas import ScoreQuery
from engine.cuda import kernels
from engine.cuda.denoiser import CudaDenoiser
from engine.model.backbone import Backbone
from engine.reference import ReferenceDenoiser
from tests.checkpoints import WINDOW
from tests.unit.engine.canvases import prompt
from tests.unit.engine.cuda.test_parity import CANVASES, CONFIG, assert_same_scores, assert_same_steps

pytestmark = pytest.mark.skipif(not kernels.installed(), reason="Triton is not installed")


@pytest.mark.parametrize("clamped", ["read_once", "every_step"])
def test_steps_and_scores(backbone: Backbone, monkeypatch: pytest.MonkeyPatch, clamped: str) -> None:
    def usable(_device: object) -> bool:
        return True

    monkeypatch.setattr(kernels, "usable", usable)
    fast = CudaDenoiser(backbone, context_tokens=64)
    reference = ReferenceDenoiser(backbone, context_tokens=64)
    rows, seeds = [CANVASES[0], CANVASES[1], CANVASES[5]], [1, 2, 3]
    config = replace(CONFIG, clamped=clamped, max_denoising_steps=2)
    prompt_ids = prompt(3 * WINDOW)
    with fast.prefill(prompt_ids) as context, reference.prefill(prompt_ids) as other:
        mine = fast.start(context, rows, seeds=seeds, config=config)
        assert_same_steps(mine, reference.start(other, rows, seeds=seeds, config=config), 2)
        queries = [ScoreQuery(token_ids=prompt(4, seed)) for seed in (1, 2)]
        assert_same_scores(fast.reader(context).read(queries), reference.reader(other).read(queries))
