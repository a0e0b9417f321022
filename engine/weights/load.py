"""From a checkpoint directory to a resident `Denoiser`, by way of the cache where weights are packed.

Modules are made without storage and take the tensors as they are read, so nothing is held twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from engine.checkpoint.config import model_config
from engine.checkpoint.weight import Weight
from engine.errors import CacheError, CheckpointError, EngineError
from engine.model.empty_model import EmptyModel
from engine.placement.devices import compute_dtype
from engine.quant.formats import Format, packed_bytes
from engine.quant.quantize import Packed, formats_of, quantized, require_backend
from engine.quant.scheme import Scheme
from engine.reference import ReferenceDenoiser
from engine.weights.manifest import Manifest
from engine.weights.store import WeightCache, find, revision
from engine.weights.verify import wanted_tensors

DEFAULT_CONTEXT_TOKENS = 8192
"""Tokens of prefilled context kept in all; 1.85 GB for the 26B model in bfloat16."""

_FLOATS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadProgress:
    """Bytes done so far, and in all, of one stage: packing a checkpoint's weights, or reading them as they are held.
    The first is followed by the second."""

    stage: Literal["quantizing", "reading"]
    done: int
    total: int


ShowProgress: TypeAlias = Callable[[LoadProgress], None]


def load(
    directory: Path,
    *,
    device: str | torch.device = "cpu",
    dtype: str | None = None,
    scheme: Scheme = "none",
    offloaded: int = 0,
    context_tokens: int = DEFAULT_CONTEXT_TOKENS,
    cache: Path | None = None,
    source: str | None = None,
    progress: ShowProgress | None = None,
    warn: Callable[[str], None] = _log.warning,
) -> ReferenceDenoiser:
    """Make a checkpoint resident.

    dtype: what is computed in, `float32`, `bfloat16` or `float16`; None for what the device is quickest in. scheme: how
    the weights are held. offloaded: how many layers' experts, the last ones', stay in main memory. cache: where packed
    weights are kept from one load to the next, None for nowhere. source: the checkpoint's name there, by default its
    directory's. progress: told of every tensor, or every few megabytes. warn: told why nothing could be kept there.

    Raises:
        CheckpointError: the checkpoint is missing, truncated, foreign or inconsistent.
        EngineError: there is no such device or dtype, or the scheme cannot be had on it.
    """
    target = _device(device)
    compute = _dtype(dtype, target)
    require_backend(scheme, target)
    model = EmptyModel(model_config(directory), compute)
    formats = formats_of(model.weights, scheme)
    model.pack(formats)
    away = set(offloaded_segments(model, offloaded))
    loading = _Loading(directory, model.weights, formats, target, compute, away, progress or (lambda _: None), warn)
    if scheme == "none" or cache is None:
        held = loading.from_shards()
    else:
        held = loading.from_cache(cache, source or str(directory), scheme)
    return finish(model, held, target, offloaded=offloaded, context_tokens=context_tokens)


def offloaded_segments(model: EmptyModel, offloaded: int) -> list[str]:
    """The segments that stay in main memory where so many layers' experts do."""
    return [f"layers.{layer}.experts" for layer in model.layers[len(model.layers) - offloaded :]]


def finish(
    model: EmptyModel, held: Mapping[str, Tensor], device: torch.device, *, offloaded: int, context_tokens: int
) -> ReferenceDenoiser:
    """A resident model of the parts that were read. held: by weight name, packed ones with `.part` behind."""
    names = {weight.name for weight in model.weights}
    tensors = {name: tensor.to(model.dtype) if name in names else tensor for name, tensor in held.items()}
    backbone = model.fill(tensors, device)
    if device.type == "cuda":
        # Triton takes the current card, wherever its tensors lie.
        torch.cuda.set_device(backbone.device)
        # cuDNN's attention plans anew for every length of a context, which takes longer than a forward.
        torch.backends.cuda.enable_cudnn_sdp(False)
    if offloaded:
        # Imported here because it is slow, and few need it.
        from engine.placement.offload import offload

        for layer in model.layers[len(model.layers) - offloaded :]:
            offload(model.experts(layer), device)
    return ReferenceDenoiser(backbone, context_tokens=context_tokens)


def fill_cache(
    directory: Path,
    *,
    device: str | torch.device,
    scheme: Scheme,
    cache: Path,
    source: str,
    progress: ShowProgress | None = None,
) -> Manifest:
    """Pack a checkpoint's weights on a device and keep them in the cache, unless they are there; see `load`.

    Raises:
        CheckpointError: the checkpoint is missing, truncated, foreign or inconsistent.
        EngineError: the scheme cannot be had on the device, or the cache cannot be written.
    """
    target = _device(device)
    require_backend(scheme, target)
    model = EmptyModel(model_config(directory), compute_dtype(target))
    formats = formats_of(model.weights, scheme)
    loading = _Loading(
        directory, model.weights, formats, target, model.dtype, set(), progress or (lambda _: None), _log.warning
    )
    return loading.fill(cache, source, scheme)


@dataclass(frozen=True, slots=True)
class _Loading:
    """One load. dtype: what is not packed is held in. away: the segments that stay in main memory."""

    directory: Path
    weights: tuple[Weight, ...]
    formats: dict[str, Format]
    device: torch.device
    dtype: torch.dtype
    away: set[str]
    progress: ShowProgress
    warn: Callable[[str], None]

    def from_shards(self) -> dict[str, Tensor]:
        """All parts by name, straight from the checkpoint."""
        held: dict[str, Tensor] = {}
        segments = self._segments()
        for packed in self._packed():
            place = self._place(segments[packed.name])
            for part, tensor in packed.parts.items():
                if part:
                    held[f"{packed.name}.{part}"] = tensor.to(place)
                else:
                    # A copy even where nothing changes: weights must not be a view of a file that may change.
                    held[packed.name] = tensor.to(device=place, dtype=self.dtype, copy=True)
        return held

    def from_cache(self, root: Path, source: str, scheme: Scheme) -> dict[str, Tensor]:
        """All parts by name, from the cache, which is made first where there is none that is whole."""
        cache = self._cache(root, source, scheme)
        if cache is None:
            return self.from_shards()
        try:
            return cache.tensors(
                self._packed, self._segments(), size=self._size(), device_of=self._place, progress=self._show
            )
        except CacheError as error:
            self.warn(f"Every start has to quantize anew, because {error}")
            return self.from_shards()

    def fill(self, root: Path, source: str, scheme: Scheme) -> Manifest:
        """See that the cache is there."""
        cache = self._cache(root, source, scheme)
        if cache is None:
            # The look at what is there says what is missing.
            wanted_tensors(self.directory, self.weights)
            raise CheckpointError(f"{self.directory} cannot be told from other checkpoints.")
        return cache.make(self._packed, self._segments(), size=self._size())

    def _cache(self, root: Path, source: str, scheme: Scheme) -> WeightCache | None:
        """Where the weights are kept; None where there are neither shards nor what was made of them."""
        content = revision(self.directory)
        if content is None:
            return find(root, source, scheme)
        return WeightCache(root=root, source=source, revision=content, scheme=scheme)

    def _show(self, done: int, total: int) -> None:
        self.progress(LoadProgress(stage="reading", done=done, total=total))

    def _packed(self) -> Iterator[Packed]:
        stored = wanted_tensors(self.directory, self.weights)
        total = sum(tensor.bytes for tensor in stored.values())
        done = 0
        for packed in quantized(stored, self.formats, self.device):
            yield packed
            done += stored[packed.name].bytes
            self.progress(LoadProgress(stage="quantizing" if self.formats else "reading", done=done, total=total))

    def _segments(self) -> dict[str, str]:
        return {weight.name: weight.segment for weight in self.weights}

    def _place(self, segment: str) -> torch.device:
        return torch.device("cpu") if segment in self.away else self.device

    def _size(self) -> int:
        """Bytes of the cache, about: what is not packed is small."""
        return sum(
            packed_bytes(self.formats[weight.name], weight.shape)
            for weight in self.weights
            if weight.name in self.formats
        )


def _device(name: str | torch.device) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise EngineError(f"there is no device {name!r}; use cpu or cuda.") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise EngineError("no usable CUDA device was found; use the device cpu.")
    return device


def _dtype(name: str | None, device: torch.device) -> torch.dtype:
    if name is None:
        return compute_dtype(device)
    if name not in _FLOATS:
        raise EngineError(f"there is no dtype {name!r}; use one of {', '.join(_FLOATS)}.")
    return _FLOATS[name]
