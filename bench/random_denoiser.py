"""A denoiser of any topology with random weights, packed as they are made: the real size without a disk."""

from __future__ import annotations

import torch
from transformers import DiffusionGemmaConfig

from bench.random_weights import random_tensors
from engine.model.empty_model import EmptyModel
from engine.quant.quantize import formats_of, packed_stream
from engine.quant.scheme import Scheme
from engine.reference import ReferenceDenoiser
from engine.weights.load import finish


def random_denoiser(
    config: DiffusionGemmaConfig, scheme: Scheme, device: torch.device, dtype: torch.dtype, *, context_tokens: int
) -> ReferenceDenoiser:
    """A resident model of a configuration, its weights held in a scheme."""
    model = EmptyModel(config, dtype)
    formats = formats_of(model.weights, scheme)
    model.pack(formats)
    held = {
        f"{packed.name}.{part}" if part else packed.name: tensor
        for packed in packed_stream(random_tensors(model.weights, device), formats, device)
        for part, tensor in packed.parts.items()
    }
    return finish(model, held, device, offloaded=0, context_tokens=context_tokens)
