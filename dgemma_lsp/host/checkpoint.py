"""Which checkpoint a user means, found on this machine only: nothing here asks a network."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from engine.errors import CheckpointError
from engine.nano import DIRECTORY

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A checkpoint on this machine. name: finds it again from anywhere; "nano" is the embedded one."""

    name: str
    directory: Path


def resolve(word: str) -> Checkpoint:
    """Find what `--checkpoint` names: "auto", "nano", a directory, or a repository in the local Hugging Face cache.

    Raises:
        CheckpointError: there is no such checkpoint here.
    """
    if word in ("auto", "nano"):
        return Checkpoint(name="nano", directory=DIRECTORY)
    directory = Path(word).expanduser()
    if directory.is_dir():
        return Checkpoint(name=str(directory.resolve()), directory=directory.resolve())
    if not _REPOSITORY.fullmatch(word):
        raise CheckpointError(f"There is no checkpoint directory {directory}.")
    # Imported here because it is slow, and most users name no repository.
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(word, "config.json")
    if not isinstance(config, str):
        raise CheckpointError(f"{word} is not on this machine; fetch it with: hf download {word}")
    return Checkpoint(name=word, directory=Path(config).parent)
