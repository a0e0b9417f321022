"""Random weights of any topology, one after another: as a stream that is never held whole, or as a checkpoint."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import DiffusionGemmaConfig

from engine.checkpoint.weight import Weight
from engine.model.empty_model import EmptyModel

_SCALE = 0.02


def random_tensors(weights: Sequence[Weight], device: torch.device) -> Iterator[tuple[str, Tensor]]:
    """Weights in bfloat16: matrices as at the beginning of a training, norms and scalars near 1."""
    generator = torch.Generator(device).manual_seed(0)
    for weight in weights:
        tensor = torch.empty(weight.shape, dtype=torch.bfloat16, device=device)
        if len(weight.shape) > 1:
            tensor.normal_(0, _SCALE, generator=generator)
        else:
            tensor.uniform_(0.9, 1.1, generator=generator)
        yield weight.name, tensor


def write_checkpoint(config: DiffusionGemmaConfig, directory: Path) -> int:
    """Writes a checkpoint with a shard a segment; returns the bytes of its weights. No more than one is held."""
    directory.mkdir(parents=True)
    (directory / "config.json").write_text(json.dumps(config.to_dict()))
    (directory / "generation_config.json").write_text("{}")
    weights = EmptyModel(config, torch.bfloat16).weights
    places: dict[str, str] = {}
    shard: dict[str, Tensor] = {}
    size = 0
    for position, (name, tensor) in enumerate(random_tensors(weights, torch.device("cpu"))):
        shard[name] = tensor
        size += tensor.nbytes
        last = position + 1 == len(weights)
        if last or weights[position + 1].segment != weights[position].segment:
            file = f"model-{weights[position].segment}.safetensors"
            save_file(shard, directory / file)
            places |= dict.fromkeys(shard, file)
            shard.clear()
    (directory / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    return size
