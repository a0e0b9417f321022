"""The real model's denoiser on the card that computes nothing: all shapes, no storage."""

from __future__ import annotations

import numpy as np
import torch

from bench.full_size import configuration
from engine.canvas import Canvas
from engine.model.empty_model import EmptyModel
from engine.quant.quantize import formats_of
from engine.quant.scheme import Scheme
from engine.reference import ReferenceDenoiser
from engine.weights.load import finish
from tests.gpu.card import DEVICE
from tests.unit.engine.canvases import canvas, prompt


def denoiser_of(scheme: Scheme, **text: int) -> ReferenceDenoiser:
    """A denoiser of google/diffusiongemma-26B-A4B-it's topology; keyword arguments override its text configuration."""
    model = EmptyModel(configuration(**text), torch.bfloat16)
    formats = formats_of(model.weights, scheme)
    model.pack(formats)
    held = {
        f"{weight.name}.{part}" if part else weight.name: torch.empty(shape, dtype=dtype, device=DEVICE)
        for weight in model.weights
        for part, (shape, dtype) in (
            formats[weight.name].parts(weight.shape) if weight.name in formats else {"": (weight.shape, torch.bfloat16)}
        ).items()
    }
    return finish(model, held, DEVICE, offloaded=0, context_tokens=8192)


# A usual line: ten lengths of the hole beside one another, 50 free positions, and 42 tokens around it.
_LENGTHS = (2, 2, 2, 3, 3, 3, 4, 5, 8, 18)
_AROUND = 42


def line() -> list[Canvas]:
    """The rows of a single-line completion."""
    known = prompt(_AROUND)
    half = _AROUND // 2
    return [
        canvas(np.concatenate([known[:half], np.zeros(length, np.int32), known[half:]]), range(half, half + length))
        for length in _LENGTHS
    ]
