"""Canvases, prompts and noise for the engine's tests."""

# torch and transformers annotate themselves in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import os

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import DiffusionGemmaForBlockDiffusion

from engine.canvas import Canvas, TokenIds
from engine.denoise.noise import NoiseKeys
from engine.model.backbone import Backbone
from engine.token_set import TokenSet
from tests.checkpoints import VOCABULARY

DEVICE = torch.device(os.environ.get("DGEMMA_TEST_DEVICE", "cpu"))
"""Where the engine's tests of parity run."""


class TransformersDraws:
    """A noise source that draws from torch's generator what transformers draws, in its order and shapes."""

    def start(self, keys: NoiseKeys, count: int) -> Tensor:
        return torch.randint(0, count, (1, len(keys.positions)))[0]

    def renoise(self, keys: NoiseKeys, count: int) -> Tensor:
        return torch.randint(0, count, (1, len(keys.positions)))[0]

    def sample(self, keys: NoiseKeys, probabilities: Tensor) -> Tensor:
        return torch.multinomial(probabilities, num_samples=1).squeeze(-1)


def backbone_of(model: DiffusionGemmaForBlockDiffusion) -> Backbone:
    """Our driver around transformers' own modules."""
    return Backbone(model.model.encoder.language_model.layers, model.model.decoder)


def prompt(length: int, seed: int = 0, vocabulary: int = VOCABULARY) -> TokenIds:
    """Random ids, the same for the same seed; a longer prompt begins with a shorter one."""
    return np.random.default_rng(seed).integers(0, vocabulary, length).astype(np.int32)


def canvas(
    token_ids: TokenIds,
    free: range | NDArray[np.bool_],
    *,
    keep_start: bool = False,
    allowed: tuple[TokenSet | None, ...] = (),
) -> Canvas:
    """A canvas that is free at these positions; keep_start: they start from `token_ids`."""
    clamped = np.ones(len(token_ids), dtype=np.bool_)
    clamped[free if isinstance(free, np.ndarray) else list(free)] = False
    return Canvas(token_ids=token_ids, clamped=clamped, keep_start=~clamped & keep_start, allowed=allowed)


def free_canvas(length: int) -> Canvas:
    """Nothing clamped, everything noise."""
    return canvas(np.zeros(length, dtype=np.int32), range(length))
