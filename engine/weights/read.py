"""Reading a cache of packed weights into memory: several threads, each chunk checked, copies that overlap the reading.

Every segment becomes one allocation on its device, and the parts are views of it. On a GPU a chunk goes through pinned
memory, two buffers a thread: while one is copied, the other is read into.
"""

from __future__ import annotations

import math
import os
import threading
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.weights.manifest import WEIGHTS, BrokenCacheError, Manifest

THREADS = max(4, min(8, os.cpu_count() or 4))
"""More than two cores: while some check what they have read, others wait for the disk."""


def read_segments(
    directory: Path,
    manifest: Manifest,
    device_of: Callable[[str], torch.device],
    progress: Callable[[int], object],
) -> dict[str, Tensor]:
    """All parts by name. device_of: where a segment is to lie. progress: takes the bytes of each chunk as it is there.

    Raises:
        BrokenCacheError: the file is missing, short or damaged.
    """
    path = directory / WEIGHTS
    pinned = any(device_of(name).type == "cuda" for name in manifest.segments)
    arenas = {name: _allocate(segment.size, device_of(name), pinned) for name, segment in manifest.segments.items()}
    with ThreadPoolExecutor(THREADS) as threads:
        reader = _ChunkReader(path, manifest.chunk)
        tasks = [
            threads.submit(reader.read, arenas[name][start : start + manifest.chunk], segment.offset + start, checksum)
            for name, segment in manifest.segments.items()
            for start, checksum in zip(range(0, segment.size, manifest.chunk), segment.checksums, strict=True)
        ]
        try:
            for task in tasks:
                progress(task.result())
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise
    for device in {arena.device for arena in arenas.values() if arena.device.type == "cuda"}:
        torch.cuda.synchronize(device)
    return {
        name: _view(arenas[part.segment], part.offset, part.shape, part.torch_dtype)
        for name, part in manifest.parts.items()
    }


def _allocate(size: int, device: torch.device, pinned: bool) -> Tensor:
    # What stays in main memory beside a GPU goes to the GPU at every step, which pinned memory makes quick.
    return torch.empty(size, dtype=torch.uint8, device=device, pin_memory=pinned and device.type == "cpu")


def _view(arena: Tensor, offset: int, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    return arena[offset : offset + math.prod(shape) * dtype.itemsize].view(dtype).view(shape)


def bytes_of(tensor: Tensor) -> memoryview:
    """The bytes of a tensor in main memory, not copied."""
    flat: Any = tensor.contiguous().view(-1).view(torch.uint8).numpy()
    return memoryview(flat)


@dataclass(slots=True)
class _PinnedBuffer:
    """A pinned buffer, and the copy out of it that has to end before it is used again."""

    buffer: Tensor
    copied: torch.cuda.Event = field(default_factory=torch.cuda.Event)


class _ChunkReader:
    """Reads chunks of one file, from any thread."""

    def __init__(self, path: Path, chunk: int) -> None:
        self._path = path
        self._chunk = chunk
        self._own = threading.local()

    def read(self, target: Tensor, offset: int, checksum: int) -> int:
        """Fill `target` from the file; returns its size. The content is checked before it is used."""
        if target.device.type == "cpu":
            self._fill(bytes_of(target), offset, checksum)
        else:
            stage = self._next_stage()
            stage.copied.synchronize()
            self._fill(bytes_of(stage.buffer)[: len(target)], offset, checksum)
            with torch.cuda.device(target.device):
                target.copy_(stage.buffer[: len(target)], non_blocking=True)
                stage.copied.record()
        return len(target)

    def _next_stage(self) -> _PinnedBuffer:
        stages: list[_PinnedBuffer] | None = getattr(self._own, "stages", None)
        if stages is None:
            stages = [_PinnedBuffer(torch.empty(self._chunk, dtype=torch.uint8, pin_memory=True)) for _ in range(2)]
            self._own.stages = stages
        stages.reverse()
        return stages[0]

    def _fill(self, buffer: memoryview, offset: int, checksum: int) -> None:
        try:
            with self._path.open("rb", buffering=0) as file:
                file.seek(offset)
                done = 0
                while done < len(buffer):
                    count = file.readinto(buffer[done:])
                    if not count:
                        raise BrokenCacheError(f"{self._path} ends at byte {offset + done}")
                    done += count
        except OSError as error:
            raise BrokenCacheError(f"{self._path} cannot be read: {error.strerror}") from error
        if zlib.crc32(buffer) != checksum:
            raise BrokenCacheError(f"{self._path} is damaged between bytes {offset} and {offset + len(buffer)}")
