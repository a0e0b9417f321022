"""Which checkpoint a user means, found on this machine only: nothing here asks a network."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from engine.errors import CheckpointError
from engine.nano import DIRECTORY

EMBEDDED = "nano"
"""The name of the checkpoint that comes with the package."""

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A checkpoint on this machine. name: finds it again from anywhere."""

    name: str
    directory: Path


def resolve(word: str) -> Checkpoint:
    """Find what `--checkpoint` names: "auto", "nano", a directory, or a repository in the local Hugging Face cache.
    "auto" is the last one that was pulled, which fitted this machine then, else "nano".

    Raises:
        CheckpointError: there is no such checkpoint here.
    """
    if word == "auto":
        return _last_pulled() or resolve(EMBEDDED)
    if word == EMBEDDED:
        return Checkpoint(name=EMBEDDED, directory=DIRECTORY)
    if not word:
        raise CheckpointError("The checkpoint's name is empty: name auto, nano, a directory or a repository.")
    if (directory := named_directory(word)) is not None:
        return Checkpoint(name=str(directory), directory=directory)
    if not is_repository(word):
        raise CheckpointError(f"There is no checkpoint directory {word}.")
    # Imported here because it is slow, and most users name no repository.
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        config = try_to_load_from_cache(word, "config.json")
    except HFValidationError as error:
        raise CheckpointError(f"{word} is neither a directory nor the name of a repository.") from error
    if not isinstance(config, str):
        raise CheckpointError(f"{word} is not on this machine; fetch it with: dgemma-lsp pull {word}")
    return Checkpoint(name=word, directory=Path(config).parent)


def named_directory(word: str) -> Path | None:
    """The directory that a user names, None where there is none.

    Raises:
        CheckpointError: it cannot be looked at.
    """
    try:
        directory = Path(word).expanduser()
        return directory.resolve() if directory.is_dir() else None
    except (OSError, RuntimeError) as error:  # The latter where there is no such user.
        reason = error.strerror if isinstance(error, OSError) else str(error).rstrip(".")
        raise CheckpointError(f"The directory {word} cannot be read: {reason}.") from error


def is_repository(word: str) -> bool:
    """Whether it looks like a repository's name."""
    return _REPOSITORY.fullmatch(word) is not None


def remember_pulled(checkpoint: Checkpoint) -> None:
    """Make it what "auto" means from now on.

    Raises:
        CheckpointError: it cannot be written down.
    """
    path = _pulled_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A full disk leaves the last one in force.
        draft = path.with_suffix(".new")
        draft.write_text(f"{checkpoint.name}\n", encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be written: {error.strerror}.") from error


def _last_pulled() -> Checkpoint | None:
    try:
        return resolve(_pulled_path().read_text(encoding="utf-8").strip())
    except (OSError, UnicodeDecodeError, CheckpointError):
        # Nothing was pulled, or it is gone.
        return None


def _pulled_path() -> Path:
    return platformdirs.user_data_path("dgemma-lsp", appauthor=False) / "pulled"
