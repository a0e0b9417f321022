"""What the fast path holds besides weights and contexts, reckoned before anything is made."""

from __future__ import annotations

import torch
from transformers import DiffusionGemmaTextConfig

from engine.cuda.arena import ASIDE
from engine.cuda.programs.buckets import POSITIONS, TOKENS, forward_shapes, sampling_shapes
from engine.cuda.programs.choices import SETS

_STATES = 8
"""Hidden states of a token that a layer hands on at a time, in the most."""


def held_bytes(config: DiffusionGemmaTextConfig, dtype: torch.dtype, *, token_bytes: int, unpacked: int) -> int:
    """Bytes. token_bytes: of a token's keys and values. unpacked: what a slice of a weight takes while it is unpacked.

    All programs' buffers, and what their recordings keep for the tensors that are made within them: as much as the
    largest takes, because one runs at a time.
    """
    tokens = sum(shape.tokens for shape in forward_shapes())
    positions = sum(shape.positions for shape in sampling_shapes())
    buffers = 2 * (tokens + positions) * config.hidden_size * dtype.itemsize
    # Logits, and the distributions while they are mixed.
    sampling = 2 * POSITIONS[-1] * config.vocab_size * dtype.itemsize + unpacked
    states = TOKENS[-1] * (_STATES + 2 * (config.top_k_experts or 0)) * config.hidden_size * dtype.itemsize
    return (ASIDE + 1) * token_bytes + buffers + SETS * config.vocab_size // 8 + max(sampling, states + unpacked)
