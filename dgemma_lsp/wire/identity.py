"""What makes two front ends share a host: the same protocol, code, checkpoint, quantization and device."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

from dgemma_lsp.wire.messages import PROTOCOL
from engine.quant.scheme import Scheme

Quantization: TypeAlias = Literal["auto", Scheme]
Device: TypeAlias = Literal["auto", "cuda", "cpu"]

ROOT = Path(__file__).parents[2]
"""The directory that the installed packages lie in."""

_PACKAGES = ("dgemma_lsp", "engine", "infill")
_LIBRARIES = ("torch", "transformers", "tokenizers", "bitsandbytes")


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """Which engine a user wants.

    checkpoint: "auto", "nano", a directory or a repository. quantization: how weights are held; "auto" for the best
    that fits. gpu: which one, counted from 0; None for the one with the most free memory. max_vram_gb: gigabytes of it
    to take at most, None for what is free. idle_unload_minutes: minutes without a request after which the weights are
    dropped, None for never; exit_minutes: minutes without a client after which a host ends. The two are no part of a
    host's identity: who starts it decides them.
    """

    checkpoint: str = "auto"
    quantization: Quantization = "auto"
    device: Device = "auto"
    gpu: int | None = field(default=None, metadata={"bounds": (0, 63)})
    max_vram_gb: float | None = field(default=None, metadata={"bounds": (0.1, 10_000)})
    idle_unload_minutes: float | None = field(default=15.0, metadata={"bounds": (0.01, 100_000)})
    exit_minutes: float = field(default=30.0, metadata={"bounds": (0.01, 100_000)})

    @property
    def idle_unload_s(self) -> float | None:
        """The same in seconds."""
        return None if self.idle_unload_minutes is None else self.idle_unload_minutes * 60


@cache
def version(package: str = "dgemma-lsp") -> str:
    """The installed version of a package, by default ours."""
    # Imported here because it is slow, and a front end may never ask.
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


@cache
def fingerprint() -> str:
    """A hash of the code and of the libraries' versions: an updated installation never talks to an older one's host."""
    digest = hashlib.sha256()
    for library in _LIBRARIES:
        digest.update(f"{library} {version(library)}\0".encode())
    for package in _PACKAGES:
        for file in sorted(file for kind in ("*.py", "*.toml") for file in (ROOT / package).rglob(kind)):
            digest.update(f"{file.relative_to(ROOT)}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _stamps(directory: Path) -> list[str]:
    """Name, size and time of a checkpoint's files: one that was trained or fetched anew has others."""
    stamps: list[str] = []
    for path in sorted(directory.glob("*")):
        # What cannot be looked at, such as a link into another user's directory, is told of when it is needed.
        with suppress(OSError):
            if path.is_file():
                stat = path.stat()
                stamps.append(f"{path.name} {stat.st_size} {stat.st_mtime_ns}")
    return stamps


def key(directory: Path, options: EngineOptions) -> str:
    """The name of the host for the checkpoint in `directory`: 16 hexadecimal digits."""
    placement = (options.quantization, options.device, str(options.gpu), str(options.max_vram_gb))
    parts = (str(PROTOCOL), fingerprint(), str(directory), *_stamps(directory), *placement)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
