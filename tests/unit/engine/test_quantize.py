"""Schemes: which weights are packed, what stays shared, and how far the model's distributions move."""

# torch and transformers annotate themselves in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine import nano
from engine.checkpoint.config import model_config
from engine.checkpoint.files import stored_tensors
from engine.errors import CheckpointError, EngineError
from engine.kv.cache import FrozenCache
from engine.kv.masks import TokenPositions
from engine.model.empty_model import EmptyModel
from engine.model.experts import Experts
from engine.quant import modules
from engine.quant.formats import BlockNf4, Groups
from engine.quant.modules import PackedWeight
from engine.quant.quantize import formats_of, quantized, require_backend
from engine.quant.scheme import Scheme
from engine.reference import ReferenceDenoiser
from engine.weights.load import load
from engine.weights.verify import wanted_tensors
from infill.text.tokens import TextTokens
from tests.checkpoints import VOCABULARY
from tests.unit.engine.canvases import prompt
from tests.unit.engine.transfers import waits

CPU = torch.device("cpu")

# Mean KL divergence, nats, of the decoder's distributions from the unquantized ones: of the trained checkpoint, and of
# a random one of the real topology, whose weights of eight times the usual size multiply every error (bfloat16 alone
# costs it 0.0015). Its router takes every expert, because one that knows nothing is a coin at each token.
TOLERANCES: list[tuple[Scheme, float, float]] = [("int8", 2e-3, 0.02), ("nf4", 5e-3, 0.4), ("int4", 5e-3, 0.3)]
PLACES = 24


def log_probs(denoiser: ReferenceDenoiser, token_ids: NDArray[np.int32]) -> Tensor:
    """The decoder's log-probabilities, [PLACES, V], of a canvas that holds the last of the ids, behind the others."""
    backbone = denoiser.backbone
    with denoiser.prefill(token_ids[:-PLACES]) as context, torch.inference_mode():
        places = TokenPositions.of_rows(context.token_count, [torch.arange(PLACES)], CPU)
        cache = FrozenCache(context.slot.sequence, context.token_count)
        masks = backbone.decoder_masks(places, context.token_count)
        canvas = torch.from_numpy(token_ids[-PLACES:]).long()
        signal = torch.zeros(PLACES, backbone.hidden_size, dtype=backbone.dtype)
        return backbone.logits(backbone.decode(canvas, signal, places, masks, cache)).log_softmax(-1)


def divergence(scheme: Scheme, directory: Path, token_ids: NDArray[np.int32]) -> float:
    theirs, ours = (log_probs(load(directory, scheme=each), token_ids) for each in ("none", scheme))
    return float((theirs.exp() * (theirs - ours)).sum(-1).mean())


def code() -> NDArray[np.int32]:
    """The ids of some of this file: where it reads no code, a trained checkpoint's distributions mean nothing."""
    text = Path(__file__).read_text()
    return np.array(
        TextTokens.load(nano.DIRECTORY).encode(text[text.index("def log_probs") :])[: 40 + PLACES], np.int32
    )


@pytest.mark.parametrize(("scheme", "trained", "random"), TOLERANCES)
def test_distributions_stay_close(wide: Path, scheme: Scheme, trained: float, random: float) -> None:
    assert 0 < divergence(scheme, nano.DIRECTORY, code()) < trained
    assert 0 < divergence(scheme, wide, prompt(40 + PLACES, vocabulary=VOCABULARY)) < random


def test_packed_experts_are_the_unpacked_ones_whatever_fits_a_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also with experts that no token chose, and without waiting for the device."""
    shapes = {"gate_up_proj": (6, 2 * 64, 64), "down_proj": (6, 64, 64)}
    dense = {name: random_weight(shape) for name, shape in shapes.items()}
    hidden = torch.randn(5, 64, generator=torch.Generator().manual_seed(1))
    chosen, weights = torch.tensor([[1, 4], [4, 1], [1, 5], [4, 5], [5, 1]]), torch.full((5, 2), 0.5)
    packed = {name: packed_weight(weight) for name, weight in dense.items()}
    gate_up, down = (packed[name].dense() for name in shapes)
    expected = torch.zeros_like(hidden)
    for row, experts in enumerate(chosen.tolist()):
        for expert in experts:
            gate, up = (gate_up[expert] @ hidden[row]).chunk(2)
            expected[row] += 0.5 * down[expert] @ (torch.relu(gate) * up)
    module = Experts(**packed, activation=torch.relu)
    for slice_bytes in (1, 3 * 4 * 2 * 64 * 64, 2**27):
        monkeypatch.setattr(modules, "SLICE_BYTES", slice_bytes)
        with waits(monkeypatch) as found:
            computed = module(hidden, chosen, weights)
        torch.testing.assert_close(computed, expected, atol=1e-4, rtol=1e-4)
        assert found == []


def random_weight(shape: tuple[int, ...]) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(len(shape)))


def packed_weight(weight: Tensor) -> PackedWeight:
    packed = PackedWeight(tuple(weight.shape), Groups(8), torch.float32)
    packed.load_state_dict(Groups(8).pack(weight), assign=True)
    return packed


@pytest.mark.parametrize("scheme", ["int8", "nf4", "int4"])
def test_what_is_packed(wide: Path, scheme: Scheme) -> None:
    weights = EmptyModel(model_config(wide), torch.bfloat16).weights
    packed = formats_of(weights, scheme)
    assert {weight.name for weight in weights if weight.role == "other"}.isdisjoint(packed)
    assert "model.decoder.layers.0.router.proj.weight" not in packed
    assert "model.decoder.embed_tokens.weight" in packed
    assert sum(name.endswith("experts.down_proj") for name in packed) == 6


def test_segments_are_contiguous_and_scalars_stand_with_their_layer(wide: Path) -> None:
    weights = EmptyModel(model_config(wide), torch.bfloat16).weights
    segments = [weight.segment for weight in weights]
    assert len(list(dict.fromkeys(segments))) == 1 + sum(a != b for a, b in pairwise(segments))
    both = [weight.name for weight in weights if weight.segment == "layers.3" and weight.name.endswith("layer_scalar")]
    assert both == [f"model.{half}.layers.3.layer_scalar" for half in ("decoder", "encoder.language_model")]


def test_no_weight_is_held_twice(wide: Path) -> None:
    denoiser = load(wide, scheme="int4", dtype="bfloat16")
    seen = {
        tensor.data_ptr(): tensor.nbytes
        for layers in (denoiser.backbone.encoder_layers, denoiser.backbone.decoder_layers)
        for tensor in layers.state_dict().values()
    }
    model = EmptyModel(model_config(wide), torch.bfloat16)
    formats = formats_of(model.weights, "int4")
    wanted = sum(
        packed_part.nbytes
        for packed in quantized(wanted_tensors(wide, model.weights), formats, CPU)
        for packed_part in packed.parts.values()
        if ".layers." in packed.name
    )
    assert sum(seen.values()) == wanted


def test_the_error_of_every_tensor_is_told(wide: Path) -> None:
    model = EmptyModel(model_config(wide), torch.bfloat16)
    errors = {
        packed.name: packed.error
        for packed in quantized(wanted_tensors(wide, model.weights), formats_of(model.weights, "int4"), CPU)
    }
    assert set(errors) == {weight.name for weight in model.weights}
    for weight in model.weights:
        low, high = {"experts": (0.05, 0.1), "matrix": (0.003, 0.01), "other": (0.0, 0.0)}[weight.role]
        assert low <= errors[weight.name] <= high, weight


def test_what_is_not_finite_is_named(wide: Path, tmp_path: Path) -> None:
    name = "model.decoder.layers.2.mlp.up_proj.weight"
    shard = stored_tensors(wide)[name].shard
    tensors = load_file(shard)
    tensors[name][0, 0] = torch.inf
    for file in wide.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    save_file(tensors, tmp_path / shard.name)
    with pytest.raises(CheckpointError, match=rf"{shard.name}: {name} holds values that are not finite"):
        load(tmp_path, scheme="int4")


def test_bitsandbytes_that_is_missing_or_was_built_for_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_form: BlockNf4, _weight: Tensor) -> dict[str, Tensor]:
        raise RuntimeError("compiled without this device\n(long story)")

    with monkeypatch.context() as patched:
        patched.setattr(BlockNf4, "pack", refuse)
        with pytest.raises(EngineError, match=r"not work on cpu here \(compiled without this device\)\. .*int4\.$"):
            require_backend("nf4", CPU)
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(EngineError, match=r"int8 needs bitsandbytes.*choose the quantization int4"):
        require_backend("int8", CPU)
    require_backend("int4", CPU)
