"""One random checkpoint for the whole session, as transformers' model and as our denoiser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from transformers import DiffusionGemmaForBlockDiffusion

from engine.model.backbone import Backbone
from engine.reference import ReferenceDenoiser
from engine.weights.load import load
from tests.checkpoints import make_model, save
from tests.unit.engine.canvases import DEVICE, backbone_of


@pytest.fixture(autouse=True)
def on_the_device() -> Iterator[None]:
    """With DGEMMA_TEST_DEVICE=cuda what tests make lies on the card that they test."""
    with nullcontext() if DEVICE.type == "cpu" else DEVICE:
        yield


@pytest.fixture(scope="session")
def model() -> DiffusionGemmaForBlockDiffusion:
    return make_model().to(DEVICE)  # pyright: ignore[reportUnknownMemberType, reportArgumentType]


@pytest.fixture(scope="session")
def checkpoint(model: DiffusionGemmaForBlockDiffusion, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(model, tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture(scope="session")
def denoiser(checkpoint: Path) -> ReferenceDenoiser:
    return load(checkpoint, device=DEVICE, dtype="float32")


@pytest.fixture(scope="session")
def backbone(model: DiffusionGemmaForBlockDiffusion) -> Backbone:
    return backbone_of(model)


@pytest.fixture(scope="session")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random checkpoint whose every matrix divides into whole groups, in bfloat16 as the real one is."""
    widths = {"hidden_size": 64, "moe_intermediate_size": 64, "intermediate_size": 64}
    model = make_model(num_experts=16, top_k_experts=16, **widths)
    return save(model.bfloat16(), tmp_path_factory.mktemp("wide"))
