"""What the fast path holds besides weights and contexts, reckoned before anything is made."""

from __future__ import annotations

import torch
from transformers import DiffusionGemmaTextConfig

from engine.cuda.arena import ASIDE
from engine.cuda.programs.buckets import POSITIONS, TOKENS, forward_shapes, sampling_shapes
from engine.cuda.programs.choices import SETS
from engine.denoise.stepper import READ_AT_ONCE

_STATES = 8
"""Hidden states of a token that a layer hands on at a time, in the most."""


def held_bytes(config: DiffusionGemmaTextConfig, dtype: torch.dtype, *, token_bytes: int, part: int) -> int:
    """Bytes. token_bytes: of a token's keys and values. part: of the largest slice that is unpacked.

    That is room in the arena, all programs' buffers, and what their recordings keep for the tensors that are made
    within them: as much as the largest takes, because one runs at a time.
    """
    tokens = sum(shape.tokens for shape in forward_shapes())
    positions = sum(shape.positions for shape in sampling_shapes())
    buffers = 2 * (tokens + positions) * config.hidden_size * dtype.itemsize
    # Logits, and the distributions while they are mixed.
    sampling = 2 * _logits(config, dtype, POSITIONS[-1]) + part
    forward = _states(config, dtype, TOKENS[-1]) + 2 * part
    return (ASIDE + 1) * token_bytes + buffers + SETS * config.vocab_size // 8 + max(sampling, forward)


def passing_bytes(config: DiffusionGemmaTextConfig, dtype: torch.dtype) -> int:
    """Bytes of what comes and goes besides: the logits that texts are scored by, or a pass that fits no bucket."""
    return max(_logits(config, dtype, READ_AT_ONCE), _states(config, dtype, 2 * TOKENS[-1]))


def _logits(config: DiffusionGemmaTextConfig, dtype: torch.dtype, positions: int) -> int:
    """Logits of positions, with their hidden states and what is found of them."""
    return positions * (config.vocab_size + _STATES * config.hidden_size) * dtype.itemsize


def _states(config: DiffusionGemmaTextConfig, dtype: torch.dtype, tokens: int) -> int:
    """Hidden states of tokens, with what their experts are given and give."""
    return tokens * (_STATES + 2 * (config.top_k_experts or 0)) * config.hidden_size * dtype.itemsize
