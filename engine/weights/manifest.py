"""What lies where in a cache of packed weights, as JSON that tells whether it is whole.

A cache is one file of segments; a segment is what is placed together, and holds parts of weights. Nothing here reads
weights.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

MANIFEST = "manifest.json"
WEIGHTS = "weights.bin"


class BrokenCacheError(Exception):
    """A cache is not what was written; the message names the file. Never shown: a broken cache is made anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a weight. offset: in its segment."""

    segment: str
    offset: int
    shape: tuple[int, ...]
    dtype: str

    @property
    def torch_dtype(self) -> torch.dtype:
        dtype = getattr(torch, self.dtype, None)
        if not isinstance(dtype, torch.dtype):
            raise BrokenCacheError(f"{MANIFEST}: {self.dtype} is no type of torch's")
        return dtype


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A stretch of the weights' file. offset, size: bytes. checksums: CRC-32 of each `chunk` bytes of it."""

    offset: int
    size: int
    checksums: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """All about one cache.

    source: the checkpoint's name. revision: of what content. parts: by weight and part name. errors: of each packed
    weight, relative root mean square. chunk: bytes under one checksum.
    """

    source: str
    revision: str
    scheme: str
    chunk: int
    segments: Mapping[str, Segment]
    parts: Mapping[str, Part]
    errors: Mapping[str, float]

    @property
    def size(self) -> int:
        """Bytes of all segments."""
        return sum(segment.size for segment in self.segments.values())

    @property
    def end(self) -> int:
        """Bytes of the weights' file."""
        return max(segment.offset + segment.size for segment in self.segments.values())

    def write(self, directory: Path) -> None:
        """Write it and see it to the disk."""
        content = asdict(self)
        with (directory / MANIFEST).open("w", encoding="utf-8") as file:
            json.dump({"digest": _digest(content), "content": content}, file)
            file.flush()
            os.fsync(file.fileno())


def read_manifest(directory: Path) -> Manifest:
    """The manifest of a cache.

    Raises:
        BrokenCacheError: it is missing or not what was written.
    """
    path = directory / MANIFEST
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        content: dict[str, Any] = stored["content"]
        if stored["digest"] != _digest(content):
            raise BrokenCacheError(f"{path} is damaged")
        segments = {name: Segment(**each) for name, each in content.pop("segments").items()}
        parts = {name: Part(**each | {"shape": tuple(each["shape"])}) for name, each in content.pop("parts").items()}
        return Manifest(segments=segments, parts=parts, **content)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise BrokenCacheError(f"{path} cannot be read: {error}") from error


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
