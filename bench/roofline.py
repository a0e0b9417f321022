"""The fewest bytes that a denoising step has to move, and so the least time that it can take on a card."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import torch
from transformers import DiffusionGemmaConfig

from engine.checkpoint.config import layer_shapes, text_config_of
from engine.model.empty_model import EmptyModel
from engine.quant.formats import packed_bytes
from engine.quant.quantize import formats_of
from engine.quant.scheme import Scheme

_COPIED = 2**28


@dataclass(frozen=True, slots=True)
class Roofline:
    """What a step reads of a model: every expert that some token chose, everything else once, and the context that each
    layer sees. Bytes.

    experts: all of them. matrices: the rest but for the vocabulary. vocabulary: once. hit: the chance of an expert to
    be chosen by a token. token: of keys and values. windows: of each layer, bytes a token and how many it sees.
    """

    experts: int
    matrices: int
    vocabulary: int
    hit: float
    layers: tuple[tuple[int, int | None], ...]

    @classmethod
    def of(cls, config: DiffusionGemmaConfig, scheme: Scheme, dtype: torch.dtype) -> Roofline:
        """Of a model whose weights are held in a scheme."""
        weights = EmptyModel(config, dtype).weights
        formats = formats_of(weights, scheme)
        sizes = {"experts": 0, "matrices": 0, "vocabulary": 0}
        for weight in weights:
            form = formats.get(weight.name)
            size = packed_bytes(form, weight.shape) if form else math.prod(weight.shape) * dtype.itemsize
            kind = "vocabulary" if "embed_tokens" in weight.name else "matrices"
            sizes["experts" if weight.role == "experts" else kind] += size
        text = text_config_of(config)
        layers = tuple(
            (2 * shape.heads * shape.head_dim * dtype.itemsize, shape.window) for shape in layer_shapes(text)
        )
        return cls(**sizes, hit=(text.top_k_experts or 0) / (text.num_experts or 1), layers=layers)

    def step_bytes(self, tokens: int, context: int, *, mixed: bool) -> int:
        """Of a step that computes so many tokens behind so long a context. Tokens are taken to choose experts evenly,
        which overstates them. mixed: what is believed is mixed into embeddings, which reads the vocabulary again."""
        chosen = self.experts * (1 - (1 - self.hit) ** tokens)
        seen = sum(size * min(context, window or context) for size, window in self.layers)
        return round(chosen + self.matrices + self.vocabulary * (2 if mixed else 1) + seen)


def copy_rate(device: torch.device) -> float:
    """Bytes a second that a device moves in a copy, read and written: what its memory gives."""
    source = torch.zeros(_COPIED, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    best = math.inf
    for _ in range(5):
        synchronize(device)
        began = time.perf_counter()
        target.copy_(source)
        synchronize(device)
        best = min(best, time.perf_counter() - began)
    return 2 * _COPIED / best


def synchronize(device: torch.device) -> None:
    """Waits for all that a device was given to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
