"""Contexts and canvases as one sequence: its positions, and which tokens see which."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSequence:
    """Contexts and the canvases over them, one row an example.

    context_ids: [B, C] int64. canvas_ids: [B, K, L] int64; K canvases that share the row's context; K may be 0.
    context_lengths: [B]; tokens of the context in use, the rest being padding. canvas_lengths: [B, K].
    """

    context_ids: Tensor
    canvas_ids: Tensor
    context_lengths: Tensor
    canvas_lengths: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """What attention needs to know of a sequence: positions [B, T], and per layer type a mask [B, 1, T, T] of the
    keys each query sees, or None where plain causal attention is all there is."""

    positions: Tensor
    masks: dict[str, Tensor | None]


def geometry(sequence: TrainingSequence, window: int) -> Geometry:
    """Positions and masks. A context token sees those before it (on sliding layers the last `window`, itself
    included); a canvas position sees its own canvas and the context (on sliding layers its last `window` - 1)."""
    batch, context = sequence.context_ids.shape
    count, length = sequence.canvas_ids.shape[1:]
    device = sequence.context_ids.device
    offsets = torch.arange(context, device=device).expand(batch, -1)
    if count == 0 and context <= window:
        return Geometry(positions=offsets, masks={"full_attention": None, "sliding_attention": None})
    ends = sequence.context_lengths[:, None]
    within = torch.arange(length, device=device).repeat(count).expand(batch, -1)
    positions = torch.cat((offsets, ends + within), dim=1)
    used = torch.cat((offsets < ends, within < sequence.canvas_lengths.repeat_interleave(length, 1)), dim=1)
    # Context tokens belong to canvas -1, which every canvas may look into.
    owner = torch.cat((torch.full((context,), -1), torch.arange(count).repeat_interleave(length))).to(device)
    key_in_context = (owner == -1)[None, None, :]
    query_in_context = (owner == -1)[None, :, None]
    causal = positions[:, :, None] >= positions[:, None, :]
    # All positions of a canvas see the same part of the context: the last window - 1 tokens before its first one.
    reference = torch.where(owner == -1, positions, ends)[:, :, None]
    near = reference - positions[:, None, :] < window
    own = owner[None, :, None] == owner[None, None, :]
    full = torch.where(query_in_context, causal & key_in_context, key_in_context | own)
    full = full & used[:, None, :]
    # A padded query must see something, or its softmax is not a number; it sees itself.
    itself = torch.eye(positions.shape[1], dtype=torch.bool, device=device)
    sliding = full & (near | ~key_in_context)
    masks: dict[str, Tensor | None] = {
        "full_attention": (full | itself)[:, None],
        "sliding_attention": (sliding | itself)[:, None],
    }
    return Geometry(positions=positions, masks=masks)
