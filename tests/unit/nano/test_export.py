"""An exported state is a checkpoint that stock transformers loads whole, with the weights of the state."""

# The annotations of torch are incomplete.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from transformers import DiffusionGemmaForBlockDiffusion

from bench.nano import tokenizer
from bench.nano.export import export
from bench.nano.shape import text_configuration
from engine.train.model import TrainableBackbone
from engine.weights.load import load


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainableBackbone, Path]:
    state, directory = tmp_path_factory.mktemp("state"), tmp_path_factory.mktemp("checkpoint")
    torch.manual_seed(0)
    model = TrainableBackbone(text_configuration())
    torch.save({"model": model.state_dict()}, state / "state.pt")
    tokenizer.save(tokenizer.train(["x = 1\n"]), state / "tokenizer")
    export(state, directory, tokenizer=state / "tokenizer")
    return model, directory


def test_transformers_finds_every_tensor(exported: tuple[TrainableBackbone, Path]) -> None:
    model, directory = exported
    loaded, report = DiffusionGemmaForBlockDiffusion.from_pretrained(  # pyright: ignore[reportGeneralTypeIssues]
        directory, output_loading_info=True
    )
    assert not any(report.values())
    found = loaded.state_dict()
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(found[f"model.decoder.{name}"], tensor.bfloat16())
    assert loaded.generation_config.max_denoising_steps == 48


def test_the_engine_loads_it_too(exported: tuple[TrainableBackbone, Path]) -> None:
    assert load(exported[1]).vocabulary_size == tokenizer.VOCABULARY_SIZE


def test_it_is_sharded_with_an_index_and_nothing_half_written(exported: tuple[TrainableBackbone, Path]) -> None:
    names = {path.name for path in exported[1].iterdir()}
    index = json.loads((exported[1] / "model.safetensors.index.json").read_text())
    shards = set(index["weight_map"].values())
    assert len(shards) > 1
    assert shards <= names
    assert not any(name.endswith(".partial") for name in names)
    assert sum((exported[1] / name).stat().st_size for name in names) < 24 * 2**20
