"""Every tensor of a checkpoint accounted for, before any is read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from engine.checkpoint.config import model_config
from engine.checkpoint.files import StoredTensor, stored_tensors
from engine.checkpoint.weight import DECODER, ENCODER, Weight
from engine.errors import CheckpointError
from engine.model.empty_model import EmptyModel

_VISION = ("model.encoder.vision_tower.", "model.encoder.embed_vision.")
_HEAD = "lm_head.weight"
_STORED_FLOATS = ("F32", "BF16", "F16")


def verify(directory: Path) -> None:
    """See that a checkpoint is whole, as far as that shows without reading its weights.

    Raises:
        CheckpointError: it is not.
    """
    wanted_tensors(directory, EmptyModel(model_config(directory), torch.bfloat16).weights)


def wanted_tensors(directory: Path, weights: Sequence[Weight]) -> dict[str, StoredTensor]:
    """Where the wanted weights lie, in their order, after a look at every tensor that is there.

    Raises:
        CheckpointError: tensors are missing, unexpected, of the wrong shape or not floats.
    """
    stored = stored_tensors(directory)
    shapes = {weight.name: weight.shape for weight in weights}
    # A checkpoint may hold the tied copies too: the encoder's of each decoder weight, and the output embedding.
    tied = {ENCODER + name.removeprefix(DECODER) for name in shapes} | {_HEAD}
    faults = {
        "missing": [name for name in shapes if name not in stored],
        "unexpected": [
            name for name in stored if name not in shapes and name not in tied and not name.startswith(_VISION)
        ],
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
