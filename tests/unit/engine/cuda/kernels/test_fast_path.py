"""The fast path with all its kernels, in the interpreter, against the reference; small, because that takes its time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.canvas import ScoreQuery
from engine.cuda import kernels
from engine.cuda.denoiser import CudaDenoiser
from engine.cuda.programs import buckets
from engine.model.backbone import Backbone
from engine.reference import ReferenceDenoiser
from tests.checkpoints import WINDOW, make_model
from tests.unit.engine.canvases import DEVICE, backbone_of, canvas, prompt
from tests.unit.engine.cuda.test_parity import CONFIG, assert_same_scores, assert_same_steps

pytest.importorskip("triton", reason="Triton is not installed")


@pytest.fixture(scope="module")
def two_layers() -> Backbone:
    """One of each kind."""
    kinds = ["sliding_attention", "full_attention"]
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1}
    model = make_model(num_hidden_layers=2, layer_types=kinds, **heads)
    return backbone_of(model.to(DEVICE))  # pyright: ignore[reportUnknownMemberType, reportArgumentType]


@pytest.mark.parametrize("clamped", ["read_once", "every_step"])
def test_steps_and_scores(two_layers: Backbone, monkeypatch: pytest.MonkeyPatch, clamped: str) -> None:
    def usable(_device: object) -> bool:
        return True

    monkeypatch.setattr(kernels, "usable", usable)
    monkeypatch.setattr(buckets, "EXTRA", (0, 8))
    monkeypatch.setattr(buckets, "TOKENS", (8, 16, 512))
    monkeypatch.setattr(buckets, "POSITIONS", (8, 256))
    fast = CudaDenoiser(two_layers, context_tokens=64)
    reference = ReferenceDenoiser(two_layers, context_tokens=64)
    rows = [canvas(prompt(7, seed=1), range(2, 5)), canvas(prompt(6, seed=1), range(2, 4))]
    config = replace(CONFIG, clamped=clamped, max_denoising_steps=2)
    prompt_ids = prompt(2 * WINDOW)
    with fast.prefill(prompt_ids) as context, reference.prefill(prompt_ids) as other:
        mine = fast.start(context, rows, seeds=[1, 2], config=config)
        assert_same_steps(mine, reference.start(other, rows, seeds=[1, 2], config=config), 2)
        if clamped == "every_step":
            readers = fast.reader(context), reference.reader(other)
            for texts in ([prompt(3, 1), prompt(2, 2)], [prompt(5, 1)]):
                queries = [ScoreQuery(token_ids=text) for text in texts]
                assert_same_scores(*(reader.read(queries) for reader in readers))
