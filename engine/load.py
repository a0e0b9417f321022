"""From a checkpoint directory to a resident `Denoiser`: text layers only, every tensor accounted for.

Modules are made without storage and take the tensors as they are read, so nothing is held twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from engine.checkpoint import StoredTensor, stored_tensors
from engine.configuration import model_config
from engine.errors import CheckpointError, EngineError
from engine.quantize import Scheme, formats_of, quantized, require_backend
from engine.reference import ReferenceDenoiser
from engine.skeleton import DECODER, ENCODER, Skeleton, Weight

DEFAULT_CONTEXT_TOKENS = 8192
"""Tokens of prefilled context kept in all; 1.85 GB for the 26B model in bfloat16."""

_VISION = ("model.encoder.vision_tower.", "model.encoder.embed_vision.")
_HEAD = "lm_head.weight"
_FLOATS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_STORED_FLOATS = ("F32", "BF16", "F16")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadProgress:
    """Bytes of the checkpoint read so far, and in all."""

    done: int
    total: int


def load(
    directory: Path,
    *,
    device: str = "cpu",
    dtype: str | None = None,
    scheme: Scheme = "none",
    context_tokens: int = DEFAULT_CONTEXT_TOKENS,
    progress: Callable[[LoadProgress], None] | None = None,
) -> ReferenceDenoiser:
    """Make a checkpoint resident.

    dtype: what is computed in, `float32`, `bfloat16` or `float16`; None for float32 on a CPU and bfloat16 elsewhere.
    scheme: how its weights are held. progress is called after each tensor.

    Raises:
        CheckpointError: the checkpoint is missing, truncated, foreign or inconsistent.
        EngineError: there is no such device or dtype, or the scheme cannot be had on it.
    """
    target = _device(device)
    compute = _dtype(dtype, target)
    require_backend(scheme, target)
    skeleton = Skeleton(model_config(directory), compute)
    stored = wanted_tensors(directory, skeleton.weights)
    formats = formats_of(skeleton.weights, scheme)
    skeleton.pack(formats)
    tensors: dict[str, Tensor] = {}
    total = sum(tensor.bytes for tensor in stored.values())
    done = 0
    for packed in quantized(stored, formats, target):
        for part, tensor in packed.parts.items():
            # A copy even where nothing changes: weights must not be a view of a file that may be replaced under them.
            key = f"{packed.name}.{part}" if part else packed.name
            tensors[key] = tensor if part else tensor.to(device=target, dtype=compute, copy=True)
        done += stored[packed.name].bytes
        if progress is not None:
            progress(LoadProgress(done=done, total=total))
    return ReferenceDenoiser(skeleton.fill(tensors, target), context_tokens=context_tokens)


def wanted_tensors(directory: Path, weights: tuple[Weight, ...]) -> dict[str, StoredTensor]:
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


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise EngineError(f"there is no device {name!r}; use cpu or cuda.") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise EngineError("no usable CUDA device was found; use the device cpu.")
    return device


def _dtype(name: str | None, device: torch.device) -> torch.dtype:
    if name is None:
        return torch.float32 if device.type == "cpu" else torch.bfloat16
    if name not in _FLOATS:
        raise EngineError(f"there is no dtype {name!r}; use one of {', '.join(_FLOATS)}.")
    return _FLOATS[name]
