"""From a checkpoint directory to a resident `Denoiser`: text layers only, every tensor accounted for.

The model is built from the checkpoint's own configuration, never from the library's defaults, which describe another
model. Modules are made without storage and take the tensors as they are read, so nothing is held twice. Encoder and
decoder share every weight; each has its own `layer_scalar`. The vision tower is neither built nor read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from torch import Tensor, nn
from transformers import DiffusionGemmaConfig
from transformers.models.diffusion_gemma.modeling_diffusion_gemma import (
    DiffusionGemmaDecoderModel,
    DiffusionGemmaEncoderTextModel,
    DiffusionGemmaTextRotaryEmbedding,
)

from engine.backbone import Backbone, text_config_of
from engine.canvas import DenoiseConfig
from engine.checkpoint import CONFIG, GENERATION_CONFIG, StoredTensor, read_json, read_tensors, stored_tensors
from engine.errors import CheckpointError, EngineError
from engine.reference import ReferenceDenoiser

DEFAULT_CONTEXT_TOKENS = 8192
"""Tokens of prefilled context kept in all; 1.85 GB for the 26B model in bfloat16."""

_DECODER = "model.decoder."
_ENCODER = "model.encoder.language_model."
_VISION = ("model.encoder.vision_tower.", "model.encoder.embed_vision.")
_HEAD = "lm_head.weight"
_REQUIRED = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "layer_types",
    "sliding_window",
    "num_experts",
    "top_k_experts",
    "moe_intermediate_size",
)
_DENOISING: dict[str, type[int] | UnionType] = {
    "max_denoising_steps": int,
    "entropy_bound": int | float,
    "t_max": int | float,
    "t_min": int | float,
    "stability_threshold": int,
    "confidence_threshold": int | float,
}
_FLOATS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_STORED_FLOATS = ("F32", "BF16", "F16")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadProgress:
    """Weights (numbers, not bytes) read so far, and in all."""

    done: int
    total: int


def load(
    directory: Path,
    *,
    device: str = "cpu",
    dtype: str | None = None,
    context_tokens: int = DEFAULT_CONTEXT_TOKENS,
    progress: Callable[[LoadProgress], None] | None = None,
) -> ReferenceDenoiser:
    """Make a checkpoint resident.

    dtype: `float32`, `bfloat16` or `float16`; None for float32 on a CPU and bfloat16 elsewhere. progress is called
    after each tensor.

    Raises:
        CheckpointError: the checkpoint is missing, truncated, foreign or inconsistent.
        EngineError: there is no such device or dtype.
    """
    target = _device(device)
    config = _model_config(directory)
    with torch.device("meta"):
        decoder = DiffusionGemmaDecoderModel(config)
        encoder_layers = DiffusionGemmaEncoderTextModel(text_config_of(config)).layers
    wanted = _wanted(directory, decoder, encoder_layers)
    tensors = _read(wanted, target, _dtype(dtype, target), progress)
    _assign(decoder, encoder_layers, tensors)
    return ReferenceDenoiser(Backbone(encoder_layers, decoder), context_tokens=context_tokens)


def denoise_config(directory: Path) -> DenoiseConfig:
    """How the checkpoint says it wants to be denoised; what its `generation_config.json` leaves out has our default.

    Raises:
        CheckpointError: the file is missing or not valid.
    """
    path = directory / GENERATION_CONFIG
    stored = read_json(path)
    sampler = stored.get("sampler_config")
    if isinstance(sampler, dict):
        stored["entropy_bound"] = sampler.get("entropy_bound")
    values = {name: stored[name] for name in _DENOISING if stored.get(name) is not None}
    for name, value in values.items():
        if not isinstance(value, _DENOISING[name]) or isinstance(value, bool):
            raise CheckpointError(f"{path}: {name} must be a number, not {value!r}.")
    try:
        return DenoiseConfig(**values)
    except ValueError as error:
        raise CheckpointError(f"{path}: {error}.") from error


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise EngineError(f"there is no device {name!r}; use cpu or cuda.") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise EngineError("no usable CUDA device was found; use the device cpu.")
    return device


def _dtype(name: str | None, device: torch.device) -> torch.dtype:
    if name is None:
        return torch.float32 if device.type == "cpu" else torch.bfloat16
    if name not in _FLOATS:
        raise EngineError(f"there is no dtype {name!r}; use one of {', '.join(_FLOATS)}.")
    return _FLOATS[name]


def _model_config(directory: Path) -> DiffusionGemmaConfig:
    path = directory / CONFIG
    stored = read_json(path)
    if stored.get("model_type") != "diffusion_gemma":
        raise CheckpointError(
            f"{path} describes a {stored.get('model_type')!r} model. Name a DiffusionGemma checkpoint."
        )
    if "quantization_config" in stored:
        raise CheckpointError(f"{path} describes weights that are quantized already. Name the unquantized checkpoint.")
    text: dict[str, Any] = stored.get("text_config") or {}
    missing = [name for name in _REQUIRED if text.get(name) is None]
    if missing:
        raise CheckpointError(f"{path} lacks {', '.join(missing)} in text_config. Download the checkpoint again.")
    if not stored.get("tie_word_embeddings", True) or text.get("use_bidirectional_attention") == "all":
        raise CheckpointError(f"{path} unties the encoder or makes it bidirectional, which is not supported.")
    try:
        config = DiffusionGemmaConfig.from_dict(stored)
    except (StrictDataclassError, ValueError, TypeError, KeyError) as error:
        reason = " ".join(str(error).split())
        raise CheckpointError(f"{path} is not a valid configuration: {reason}") from error
    config._attn_implementation = "sdpa"
    config._experts_implementation = "grouped_mm"
    return config


def _wanted(directory: Path, decoder: nn.Module, encoder_layers: nn.Module) -> dict[str, StoredTensor]:
    """The tensors to read, after a look at every one that is there.

    Raises:
        CheckpointError: tensors are missing, unexpected, of the wrong shape or not floats.
    """
    stored = stored_tensors(directory)
    shapes = {_DECODER + name: tuple(tensor.shape) for name, tensor in decoder.state_dict().items()}
    # A checkpoint may hold the tied copies too: the encoder's of each decoder weight, and the output embedding.
    tied = {_ENCODER + name.removeprefix(_DECODER) for name in shapes} | {_HEAD}
    shapes |= {
        f"{_ENCODER}layers.{name}": tuple(tensor.shape)
        for name, tensor in encoder_layers.state_dict().items()
        if name.endswith("layer_scalar")
    }
    unexpected = [name for name in stored if name not in shapes and name not in tied and not name.startswith(_VISION)]
    faults = {
        "missing": [name for name in shapes if name not in stored],
        "unexpected": unexpected,
        "of the wrong shape": [name for name in shapes if name in stored and stored[name].shape != shapes[name]],
        "not of a float type": [name for name in shapes if name in stored and stored[name].dtype not in _STORED_FLOATS],
    }
    for fault, names in faults.items():
        if names:
            others = f" and {len(names) - 3} more" if len(names) > 3 else ""
            raise CheckpointError(
                f"{directory}: tensors {fault}: {', '.join(names[:3])}{others}. "
                "Its weights do not fit its config.json; download the checkpoint again."
            )
    return {name: stored[name] for name in shapes}


def _read(
    wanted: dict[str, StoredTensor],
    device: torch.device,
    dtype: torch.dtype,
    progress: Callable[[LoadProgress], None] | None,
) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    total = sum(stored.elements for stored in wanted.values())
    done = 0
    for name, tensor in read_tensors(wanted):
        # A copy even where nothing changes: weights must not be a view of a file that may be replaced under them.
        tensors[name] = tensor.to(device=device, dtype=dtype, copy=True)
        done += wanted[name].elements
        if progress is not None:
            progress(LoadProgress(done=done, total=total))
    return tensors


def _assign(decoder: DiffusionGemmaDecoderModel, encoder_layers: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Gives both halves their weights, shared, and makes the buffers that no checkpoint holds."""
    own = {name.removeprefix(_DECODER): tensor for name, tensor in tensors.items() if name.startswith(_DECODER)}
    decoder.load_state_dict(own, assign=True)
    prefix = "layers."
    shared = {name.removeprefix(prefix): tensor for name, tensor in own.items() if name.startswith(prefix)}
    scalars = {
        name.removeprefix(_ENCODER + prefix): tensor for name, tensor in tensors.items() if name.startswith(_ENCODER)
    }
    encoder_layers.load_state_dict(shared | scalars, assign=True)
    embedding = decoder.embed_tokens
    scale = torch.tensor(embedding.scalar_embed_scale, device=embedding.weight.device)
    embedding.embed_scale = nn.Buffer(scale, persistent=False)
    decoder.rotary_emb = DiffusionGemmaTextRotaryEmbedding(text_config_of(decoder.config)).to(embedding.weight.device)
    for module in (decoder, encoder_layers):
        module.eval().requires_grad_(False)
