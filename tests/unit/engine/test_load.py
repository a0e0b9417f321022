"""Loading: every layout transformers writes, and one clear message for everything that can be wrong."""

# torch and transformers annotate themselves in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import DiffusionGemmaForBlockDiffusion

from engine.canvas import DenoiseConfig, ScoreQuery
from engine.checkpoint.config import denoise_config
from engine.errors import CheckpointError, EngineError
from engine.reference import ReferenceDenoiser
from engine.weights.load import LoadProgress, load
from tests.unit.engine.canvases import canvas, prompt

INDEX = "model.safetensors.index.json"


@pytest.fixture
def copy(checkpoint: Path, tmp_path: Path) -> Path:
    """A checkpoint to break."""
    return shutil.copytree(checkpoint, tmp_path / "copy")


def tensors_of(directory: Path) -> dict[str, Tensor]:
    return {name: tensor for shard in directory.glob("*.safetensors") for name, tensor in load_file(shard).items()}


def rewrite(directory: Path, tensors: dict[str, Tensor]) -> Path:
    """Puts these tensors into the directory as one file without an index."""
    for old in [*directory.glob("*.safetensors"), directory / INDEX]:
        old.unlink()
    save_file(tensors, directory / "model.safetensors")
    return directory


def edit_json(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def first_entropies(denoiser: ReferenceDenoiser) -> list[float]:
    with denoiser.prefill(prompt(20)) as context:
        own = canvas(prompt(6), range(2, 4), keep_start=True)
        return (
            denoiser.start(context, [own], seeds=[0], config=DenoiseConfig()).step().rows[0].holes[0].entropy.tolist()
        )


def assert_same(loaded: ReferenceDenoiser, denoiser: ReferenceDenoiser) -> None:
    # Nats; the session's denoiser may have this prompt cached from a longer one, encoded in another order.
    np.testing.assert_allclose(first_entropies(loaded), first_entropies(denoiser), atol=1e-4)


class TestLayouts:
    def test_one_file(self, copy: Path, denoiser: ReferenceDenoiser) -> None:
        assert_same(load(rewrite(copy, tensors_of(copy))), denoiser)

    def test_tied_copies_written_out(
        self, copy: Path, model: DiffusionGemmaForBlockDiffusion, denoiser: ReferenceDenoiser
    ) -> None:
        everything = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        assert len(everything) > len(tensors_of(copy))
        assert_same(load(rewrite(copy, everything)), denoiser)

    def test_vision_is_not_needed(self, copy: Path, denoiser: ReferenceDenoiser) -> None:
        text = {name: tensor for name, tensor in tensors_of(copy).items() if "vision" not in name}
        assert len(text) < len(tensors_of(copy))
        assert_same(load(rewrite(copy, text)), denoiser)

    def test_outlives_its_files(self, copy: Path, denoiser: ReferenceDenoiser) -> None:
        loaded = load(copy)
        for shard in copy.glob("*.safetensors"):
            with shard.open("r+b") as file:
                file.truncate(100)
        assert_same(loaded, denoiser)


def test_progress_reaches_the_total(checkpoint: Path) -> None:
    seen: list[LoadProgress] = []
    load(checkpoint, progress=seen.append)
    assert [step.done for step in seen] == sorted(step.done for step in seen)
    assert seen[-1].done == seen[-1].total > 0


@pytest.mark.parametrize(("dtype", "expected"), [(None, torch.float32), ("bfloat16", torch.bfloat16)])
def test_dtype(checkpoint: Path, dtype: str | None, expected: torch.dtype) -> None:
    denoiser = load(checkpoint, dtype=dtype)
    assert denoiser.backbone.dtype == expected
    with denoiser.prefill(prompt(20)) as context:
        own = canvas(prompt(6), range(2, 4))
        stepper = denoiser.start(context, [own], seeds=[0], config=DenoiseConfig())
        assert [stepper.step().step for _ in range(2)] == [1, 2]
        assert denoiser.reader(context).read([ScoreQuery(token_ids=prompt(4))])[0].log_probs.shape == (4,)


@pytest.mark.parametrize("choice", [{"device": "abacus"}, {"dtype": "int3"}])
def test_an_unknown_device_or_dtype_is_an_error(checkpoint: Path, choice: dict[str, str]) -> None:
    with pytest.raises(EngineError, match=next(iter(choice.values()))):
        load(checkpoint, **choice)  # pyright: ignore[reportArgumentType]


def without(key: str) -> Callable[[Path], None]:
    return lambda directory: edit_json(directory / "config.json", lambda config: config["text_config"].pop(key))


def setting(name: str, **values: object) -> Callable[[Path], None]:
    return lambda directory: edit_json(directory / name, lambda content: content.update(values))


def writing(name: str, text: str) -> Callable[[Path], object]:
    return lambda directory: (directory / name).write_text(text)


def removing(name: str) -> Callable[[Path], None]:
    return lambda directory: (directory / name).unlink()


def widen(directory: Path) -> None:
    edit_json(directory / "config.json", lambda config: config["text_config"].update(hidden_size="wide"))


def scale_rotary(directory: Path) -> None:
    other = {"rope_type": "dynamic", "factor": 2.0}
    edit_json(
        directory / "config.json",
        lambda config: config["text_config"]["rope_parameters"]["full_attention"].update(other),
    )


def truncate(directory: Path) -> None:
    shard = min(directory.glob("*.safetensors"))
    with shard.open("r+b") as file:
        file.truncate(shard.stat().st_size // 2)


def with_tensors(change: Callable[[dict[str, Tensor]], object]) -> Callable[[Path], None]:
    def rewritten(directory: Path) -> None:
        tensors = tensors_of(directory)
        change(tensors)
        rewrite(directory, tensors)

    return rewritten


NORM = "model.decoder.norm.weight"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        pytest.param(shutil.rmtree, r"copy.*does not exist", id="no directory"),
        pytest.param(removing("config.json"), r"config\.json does not exist", id="no config"),
        pytest.param(writing("config.json", "{"), r"config\.json is not valid JSON", id="broken config"),
        pytest.param(writing("config.json", "[]"), r"config\.json does not hold a JSON object", id="not an object"),
        pytest.param(
            setting("config.json", model_type="gemma4"), r"config\.json describes a 'gemma4' model", id="other model"
        ),
        pytest.param(
            setting("config.json", quantization_config={"bits": 4}), r"config\.json.*quantized", id="quantized"
        ),
        pytest.param(setting("config.json", tie_word_embeddings=False), r"config\.json unties", id="untied"),
        pytest.param(without("sliding_window"), r"config\.json lacks sliding_window", id="incomplete config"),
        pytest.param(scale_rotary, r"config\.json asks for rotary embeddings of type dynamic", id="other rotation"),
        pytest.param(widen, r"config\.json is not a valid configuration", id="wrong type"),
        pytest.param(removing(INDEX), r"holds neither", id="no index"),
        pytest.param(writing(INDEX, "{}"), r"index\.json has no weight_map", id="empty index"),
        pytest.param(
            removing("model-00002-of-00006.safetensors"), r"model-00002.*does not exist, but.*index", id="no shard"
        ),
        pytest.param(truncate, r"model-00001.*truncated", id="truncated shard"),
        pytest.param(with_tensors(lambda all_: all_.pop(NORM)), f"tensors missing: {NORM}", id="missing tensor"),
        pytest.param(
            with_tensors(lambda all_: all_.update({"model.extra": torch.ones(1)})),
            r"tensors unexpected: model\.extra",
            id="unexpected tensor",
        ),
        pytest.param(
            with_tensors(lambda all_: all_.update({NORM: torch.ones(5)})),
            f"of the wrong shape: {NORM}",
            id="wrong shape",
        ),
        pytest.param(
            with_tensors(lambda all_: all_.update({NORM: torch.ones(32, dtype=torch.int8)})),
            f"not of a float type: {NORM}",
            id="integers",
        ),
    ],
)
def test_damage_is_named(copy: Path, damage: Callable[[Path], object], message: str) -> None:
    damage(copy)
    with pytest.raises(CheckpointError, match=message) as caught:
        load(copy)
    assert "\n" not in str(caught.value)


class TestDenoiseConfig:
    def test_reads_what_is_there(self, copy: Path) -> None:
        stored = {"max_denoising_steps": 20, "t_max": 0.9, "sampler_config": {"entropy_bound": 0.2}, "t_min": None}
        edit_json(copy / "generation_config.json", lambda config: config.update(stored))
        assert denoise_config(copy) == DenoiseConfig(
            ramp_steps=20, max_denoising_steps=20, t_max=0.9, entropy_bound=0.2
        )

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"t_max": "hot"}, "t_max must be a number"),
            ({"max_denoising_steps": 1.5}, "max_denoising_steps must be a number"),
            ({"max_denoising_steps": 0}, "must be at least 1"),
            ({"t_max": 0.1}, "t_min"),
        ],
    )
    def test_bad_values_are_named(self, copy: Path, values: dict[str, object], message: str) -> None:
        setting("generation_config.json", **values)(copy)
        with pytest.raises(CheckpointError, match=rf"generation_config\.json.*{message}"):
            denoise_config(copy)

    def test_a_missing_file_is_named(self, copy: Path) -> None:
        removing("generation_config.json")(copy)
        with pytest.raises(CheckpointError, match=r"generation_config\.json does not exist"):
            denoise_config(copy)
