"""What a checkpoint says of itself: its topology, and how it wants to be denoised.

The model is built from the checkpoint's own configuration, never from the library's defaults, which describe another
model.
"""

from __future__ import annotations

from pathlib import Path
from types import UnionType
from typing import Any, cast

from huggingface_hub.errors import StrictDataclassError
from transformers import DiffusionGemmaConfig, DiffusionGemmaTextConfig

from engine.canvas import DenoiseConfig
from engine.checkpoint.files import CONFIG, GENERATION_CONFIG, is_object, read_json
from engine.errors import CheckpointError
from engine.kv.cache import LayerShape

_SLIDING = "sliding_attention"
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
_ROTARY_TYPES = {"default", "proportional"}
"""Those whose angles depend on nothing but a position."""

_DENOISING: dict[str, type[int] | UnionType] = {
    "max_denoising_steps": int,
    "entropy_bound": int | float,
    "t_max": int | float,
    "t_min": int | float,
    "stability_threshold": int,
    "confidence_threshold": int | float,
}


def model_config(directory: Path) -> DiffusionGemmaConfig:
    """The topology that a checkpoint's `config.json` describes.

    Raises:
        CheckpointError: the file is missing or broken, or describes a model that cannot be run.
    """
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
        config = DiffusionGemmaConfig.from_dict(stored)  # pyright: ignore[reportUnknownMemberType] - it takes any option.
    except (StrictDataclassError, ValueError, TypeError, KeyError) as error:
        reason = " ".join(str(error).split())
        raise CheckpointError(f"{path} is not a valid configuration: {reason}") from error
    if unknown := _rotary_types(config) - _ROTARY_TYPES:
        raise CheckpointError(f"{path} asks for rotary embeddings of type {min(unknown)}, which are not supported.")
    return config


def _rotary_types(config: DiffusionGemmaConfig) -> set[str]:
    """How the angles of rotary embeddings grow, of all kinds of layers."""
    of_kinds = cast(dict[str, dict[str, str]], text_config_of(config).rope_parameters)  # pyright: ignore[reportUnknownMemberType] - a dict.
    return {own["rope_type"] for own in of_kinds.values()}


def text_config_of(config: DiffusionGemmaConfig) -> DiffusionGemmaTextConfig:
    """The text half of a configuration, whose field also admits a mapping and None.

    Raises:
        TypeError: it was made without one.
    """
    if not isinstance(config.text_config, DiffusionGemmaTextConfig):
        raise TypeError(f"the configuration's text half is a {type(config.text_config).__name__}")
    return config.text_config


def layer_shapes(config: DiffusionGemmaTextConfig) -> tuple[LayerShape, ...]:
    """What each layer caches, in order."""
    return tuple(
        LayerShape(
            heads=config.per_layer_config[layer].num_key_value_heads,
            head_dim=config.per_layer_config[layer].head_dim,
            window=config.sliding_window if kind == _SLIDING else None,
        )
        for layer, kind in enumerate(config.layer_types or ())
    )


def denoise_config(directory: Path) -> DenoiseConfig:
    """How the checkpoint says it wants to be denoised; what its `generation_config.json` leaves out has our default.

    Raises:
        CheckpointError: the file is missing or not valid.
    """
    path = directory / GENERATION_CONFIG
    stored = read_json(path)
    sampler = stored.get("sampler_config")
    if is_object(sampler):
        stored["entropy_bound"] = sampler.get("entropy_bound")
    values = {name: stored[name] for name in _DENOISING if stored.get(name) is not None}
    for name, value in values.items():
        if not isinstance(value, _DENOISING[name]) or isinstance(value, bool):
            raise CheckpointError(f"{path}: {name} must be a number, not {value!r}.")
    if "max_denoising_steps" in values:
        values["ramp_steps"] = values["max_denoising_steps"]
    try:
        return DenoiseConfig(**values)
    except ValueError as error:
        raise CheckpointError(f"{path}: {error}.") from error
