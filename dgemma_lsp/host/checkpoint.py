"""Which checkpoint a user means, found on this machine only: nothing here asks a network."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from engine import nano
from engine.errors import CheckpointError

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A checkpoint on this machine. name: for the user to read; "nano" is the embedded one."""

    name: str
    directory: Path


def resolve(word: str) -> Checkpoint:
    """Find what `--checkpoint` names: "auto", "nano", a directory, or a repository in the local Hugging Face cache.

    Raises:
        CheckpointError: there is no such checkpoint here.
    """
    if word in ("auto", "nano"):
        return Checkpoint(name="nano", directory=nano.DIRECTORY)
    directory = Path(word).expanduser()
    if directory.is_dir():
        return Checkpoint(name=word, directory=directory.resolve())
    if not _REPOSITORY.fullmatch(word):
        raise CheckpointError(f"There is no checkpoint directory {directory}.")
    # Imported here because it is slow, and most users name no repository.
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Checkpoint(name=word, directory=Path(snapshot_download(word, local_files_only=True)))
    except LocalEntryNotFoundError as error:
        raise CheckpointError(f"{word} is not on this machine; fetch it with: dgemma-lsp pull {word}") from error
