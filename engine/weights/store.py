"""The cache of packed weights on disk: written once, whole or not at all, and checked whenever it is read.

One directory a checkpoint's revision and scheme. It is written beside its place and moved there when it is on the disk,
so a process may be killed at any moment. What is broken is made anew, never trusted.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import zlib
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedWriter
from pathlib import Path

import platformdirs
import torch
from filelock import FileLock, Timeout
from torch import Tensor

from engine.checkpoint.files import CONFIG, shard_paths
from engine.errors import CacheError, CheckpointError
from engine.quant.quantize import Packed
from engine.quant.scheme import Scheme
from engine.weights.manifest import WEIGHTS, BrokenCacheError, Manifest, Part, Segment, read_manifest
from engine.weights.read import bytes_of, read_segments

FORMAT = 2
"""Raised when the same weights come to be other bytes."""

LOCK_TIMEOUT = 30 * 60
"""Seconds that another process may take to write the cache; the largest checkpoint takes a few minutes."""

CHUNK_BYTES = 2**24
_PART_ALIGNMENT = 256
_SEGMENT_ALIGNMENT = 4096
_SPARE = 2**28
"""Bytes that a disk should have left after all."""

_log = logging.getLogger(__name__)


def cache_root() -> Path:
    """Where this user's caches lie."""
    return platformdirs.user_cache_path("dgemma-lsp", appauthor=False) / "quantized"


def revision(directory: Path) -> str | None:
    """What tells one content of a checkpoint directory from another: the commit of a Hugging Face snapshot, else its
    configuration with its shards' sizes and times. None where that is not whole."""
    if directory.parent.name == "snapshots" and re.fullmatch(r"[0-9a-f]{40}", directory.name):
        return directory.name
    try:
        digest = hashlib.sha256((directory / CONFIG).read_bytes())
        shards = [(shard.name, shard.stat()) for shard in shard_paths(directory)]
    except (OSError, CheckpointError):
        return None
    for name, status in shards:
        digest.update(f"\0{name}\0{status.st_size}\0{status.st_mtime_ns}".encode())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightCache:
    """The cache of one checkpoint under one scheme, there or not. source: the checkpoint's name."""

    root: Path
    source: str
    revision: str
    scheme: Scheme

    @property
    def directory(self) -> Path:
        """Where it lies."""
        key = "\0".join((str(FORMAT), self.scheme, self.revision))
        return self.root / f"{self.scheme}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"

    def tensors(
        self,
        pack: Callable[[], Iterable[Packed]],
        segments: Mapping[str, str],
        *,
        size: int,
        device_of: Callable[[str], torch.device],
        progress: Callable[[int, int], object],
    ) -> dict[str, Tensor]:
        """All parts by name, read from here; written first where there is nothing that is whole.

        pack: makes what is to be written. segments: by weight; those of one segment come one after another. size: bytes
        it will have, about. device_of: where a segment is to lie. progress: takes the bytes read, and all there are.

        Raises:
            CacheError: there is no room, no permission, or what was written cannot be read.
        """
        with self._locked():
            try:
                return self._read(device_of, progress)
            except BrokenCacheError as error:
                _log.info("writing the cache of quantized weights, because %s", error)
            self._write(pack(), segments, size)
            try:
                return self._read(device_of, progress)
            except BrokenCacheError as error:
                raise CacheError(f"what was just written to the cache reads otherwise: {error}.") from error

    def make(self, pack: Callable[[], Iterable[Packed]], segments: Mapping[str, str], *, size: int) -> Manifest:
        """See that it is there, written if need be; what it holds is checked when it is read. See `tensors`.

        Raises:
            CacheError: there is no room, or no permission.
        """
        with self._locked():
            try:
                return self.manifest()
            except BrokenCacheError as error:
                _log.info("writing the cache of quantized weights, because %s", error)
            self._write(pack(), segments, size)
            return self.manifest()

    def _read(
        self, device_of: Callable[[str], torch.device], progress: Callable[[int, int], object]
    ) -> dict[str, Tensor]:
        manifest = self.manifest()
        done = 0

        def show(count: int) -> None:
            nonlocal done
            done += count
            progress(done, manifest.size)

        return read_segments(self.directory, manifest, device_of, show)

    def manifest(self) -> Manifest:
        """What it holds.

        Raises:
            BrokenCacheError: it is not there, or not whole.
        """
        manifest = read_manifest(self.directory)
        weights = self.directory / WEIGHTS
        try:
            size = weights.stat().st_size
        except OSError as error:
            raise BrokenCacheError(f"{weights} cannot be read: {error.strerror}") from error
        if size != manifest.end:
            raise BrokenCacheError(f"{weights} has {size} bytes instead of {manifest.end}")
        return manifest

    @contextmanager
    def _locked(self) -> Generator[None]:
        """Keeps other processes from writing it; waits for one that does."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.root / f"{self.directory.name}.lock").acquire(timeout=LOCK_TIMEOUT)
        except Timeout:
            raise CacheError(
                f"another process has been writing to {self.root} for {LOCK_TIMEOUT // 60} minutes. "
                "If none is quantizing, end it: dgemma-lsp host stop."
            ) from None
        except OSError as error:
            raise CacheError(f"the cache directory {self.root} cannot be used: {error.strerror or error}.") from error
        with lock:
            yield

    def _write(self, packed: Iterable[Packed], segments: Mapping[str, str], size: int) -> None:
        """Writes it beside its place, and puts it there in place of what is broken."""
        partial = self.root / f"{self.directory.name}.partial"
        try:
            shutil.rmtree(partial, ignore_errors=True)
            free = shutil.disk_usage(self.root).free
            if free < size + _SPARE:
                raise CacheError(
                    f"the quantized weights need {size / 1e9:.1f} GB in {self.root}, where {free / 1e9:.1f} GB are "
                    "free. Make room there, or set XDG_CACHE_HOME to a directory on another disk."
                )
            partial.mkdir()
            self._fill(partial, packed, segments)
            shutil.rmtree(self.directory, ignore_errors=True)
            partial.rename(self.directory)
            _sync(self.root)
        except OSError as error:
            shutil.rmtree(partial, ignore_errors=True)
            raise CacheError(f"the cache {self.root} cannot be written: {error.strerror or error}.") from error
        self._remove_superseded()

    def _fill(self, partial: Path, packed: Iterable[Packed], segments: Mapping[str, str]) -> None:
        errors: dict[str, float] = {}
        with (partial / WEIGHTS).open("wb") as file:
            writer = _SegmentWriter(file)
            for each in packed:
                writer.enter(segments[each.name])
                for part, tensor in each.parts.items():
                    writer.add(f"{each.name}.{part}" if part else each.name, tensor)
                if each.error:
                    errors[each.name] = each.error
            writer.enter("")
            file.flush()
            os.fsync(file.fileno())
        Manifest(
            source=self.source,
            revision=self.revision,
            scheme=self.scheme,
            chunk=CHUNK_BYTES,
            segments=writer.segments,
            parts=writer.parts,
            errors=errors,
        ).write(partial)
        _sync(partial)

    def _remove_superseded(self) -> None:
        """Removes what an older revision or format of the same checkpoint left, which nothing would read again."""
        for other in self.root.glob(f"{self.scheme}-*/"):
            if other.name == self.directory.name or other.suffix == ".partial":
                continue
            try:
                superseded = read_manifest(other).source == self.source
            except BrokenCacheError:
                continue
            if superseded:
                _log.info("removing the superseded cache %s", other)
                shutil.rmtree(other, ignore_errors=True)


def find(root: Path, source: str, scheme: Scheme) -> WeightCache | None:
    """The cache of a checkpoint whose shards are gone, by its name."""
    for directory, manifest in held(root).items():
        if manifest is not None and manifest.source == source:
            cache = WeightCache(root=root, source=source, revision=manifest.revision, scheme=scheme)
            if cache.directory == directory:
                return cache
    return None


def held(root: Path) -> dict[Path, Manifest | None]:
    """The caches that lie there, by directory; None for what is not whole. Their weights are not read."""
    found: dict[Path, Manifest | None] = {}
    for directory in sorted(root.glob("*-*/")):
        try:
            manifest = read_manifest(directory)
            whole = (directory / WEIGHTS).stat().st_size == manifest.end
        except (BrokenCacheError, OSError):
            found[directory] = None
        else:
            found[directory] = manifest if whole else None
    return found


class _SegmentWriter:
    """Lays parts end to end in a file and sums each chunk of each segment as it passes."""

    def __init__(self, file: BufferedWriter) -> None:
        self.segments: dict[str, Segment] = {}
        self.parts: dict[str, Part] = {}
        self._file = file
        self._name = ""
        self._start = 0
        self._checksums: list[int] = []

    def enter(self, segment: str) -> None:
        """Begin a segment, unless it is the one at hand. "" ends the last."""
        if segment == self._name:
            return
        if self._name:
            size = self._file.tell() - self._start
            self.segments[self._name] = Segment(offset=self._start, size=size, checksums=tuple(self._checksums))
        if segment:
            self._file.write(bytes(-self._file.tell() % _SEGMENT_ALIGNMENT))
        self._name, self._start, self._checksums = segment, self._file.tell(), []

    def add(self, name: str, tensor: Tensor) -> None:
        """Write a part."""
        self._put(memoryview(bytes(-(self._file.tell() - self._start) % _PART_ALIGNMENT)))
        dtype = str(tensor.dtype).removeprefix("torch.")
        offset = self._file.tell() - self._start
        self.parts[name] = Part(segment=self._name, offset=offset, shape=tuple(tensor.shape), dtype=dtype)
        self._put(bytes_of(tensor.cpu()))

    def _put(self, content: memoryview) -> None:
        while content:
            within = (self._file.tell() - self._start) % CHUNK_BYTES
            if within == 0:
                self._checksums.append(0)
            some = content[: CHUNK_BYTES - within]
            self._checksums[-1] = zlib.crc32(some, self._checksums[-1])
            self._file.write(some)
            content = content[len(some) :]


def _sync(directory: Path) -> None:
    if os.name == "nt":
        return  # Windows has no way to, and needs none.
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
