"""Fetching a checkpoint from Hugging Face. Tokens, proxies, mirrors and resuming are as its own tools take them.

The only module that opens a connection to anything but the host, and only `dgemma-lsp pull` calls it.
"""

# huggingface_hub annotates itself in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from dgemma_lsp.checkpoints.load_meter import GB
from engine.errors import CheckpointError, EngineError

FILES = ("*.safetensors", "*.json", "*.jinja", "tokenizer.model", "LICENSE*", "README.md")
"""What a checkpoint consists of here."""

_SPARE = 2**28


class FetchError(EngineError):
    """A checkpoint cannot be fetched; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a repository holds. size: bytes of its files; missing: of those not on this machine yet."""

    repository: str
    revision: str
    licence: str
    files: int
    size: int
    missing: int


def look_up(repository: str) -> Listing:
    """Ask what there is to fetch.

    Raises:
        FetchError: the repository does not exist, is not open to this user, or cannot be reached.
    """
    # Imported here because it is slow.
    import huggingface_hub

    with _explained(repository):
        info = huggingface_hub.HfApi().model_info(repository)
        files = huggingface_hub.snapshot_download(
            repository, revision=info.sha, allow_patterns=list(FILES), dry_run=True
        )
    licence = info.card_data.license if info.card_data is not None else None
    return Listing(
        repository=repository,
        revision=info.sha or "main",
        licence=licence if isinstance(licence, str) else "not stated",
        files=len(files),
        size=sum(file.file_size or 0 for file in files),
        missing=sum(file.file_size or 0 for file in files if file.will_download),
    )


def download(listing: Listing) -> Path:
    """Fetch what is missing, showing Hugging Face's own progress; goes on where an earlier try ended.

    Raises:
        FetchError: the disk has no room or must not be written, or the connection is lost.
    """
    import huggingface_hub
    from huggingface_hub.constants import HF_HUB_CACHE

    place = Path(HF_HUB_CACHE)
    existing = next(path for path in (place, *place.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if listing.missing + _SPARE > free:
        raise FetchError(
            f"{listing.repository} needs {listing.missing / GB:.1f} GB more in {place}, "
            f"where {free / GB:.1f} GB are free. Make room there, or set HF_HOME to a directory on another disk."
        )
    with _explained(listing.repository):
        return Path(
            huggingface_hub.snapshot_download(listing.repository, revision=listing.revision, allow_patterns=list(FILES))
        )


def delete_shards(directory: Path) -> int:
    """Delete a checkpoint's weights, and what they link to where they are links into Hugging Face's store; returns the
    bytes freed.

    Raises:
        CheckpointError: a file cannot be deleted.
    """
    freed = 0
    for shard in directory.glob("*.safetensors"):
        content = shard.resolve()
        try:
            size = content.stat().st_size
            shard.unlink()
            if content != shard and content.parent.name == "blobs" and not _used_elsewhere(content):
                content.unlink()
        except OSError as error:
            raise CheckpointError(f"{shard} cannot be deleted: {error.strerror}.") from error
        freed += size
    return freed


def _used_elsewhere(blob: Path) -> bool:
    """Whether another snapshot of the repository has a link to it."""
    return any(link.resolve() == blob for link in (blob.parent.parent / "snapshots").glob("*/*.safetensors"))


@contextlib.contextmanager
def _explained(repository: str) -> Generator[None]:
    """Puts in words what Hugging Face's library raises."""
    import httpx2
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError as error:
        raise FetchError(
            f"{repository} is open to those who accept its licence: do so at https://huggingface.co/{repository}, then "
            "run: hf auth login"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise FetchError(
            f"Hugging Face has no repository {repository} for you. Check the name; if it is private, run: hf auth login"
        ) from error
    except errors.HfHubHTTPError as error:
        raise FetchError(f"Hugging Face refused {repository}: {_first_line(error)}") from error
    except errors.HFValidationError as error:
        raise FetchError(f"{repository!r} is not the name of a repository.") from error
    except (errors.OfflineModeIsEnabled, errors.LocalEntryNotFoundError, httpx2.HTTPError, ConnectionError) as error:
        raise FetchError(
            f"Hugging Face cannot be reached ({_first_line(error)}). Check the connection and HTTPS_PROXY, or copy the "
            "checkpoint's directory here and run: dgemma-lsp pull DIRECTORY"
        ) from error
    except OSError as error:
        raise FetchError(
            f"{error.filename or repository} cannot be written: {error.strerror or error}. What was fetched is kept; "
            "run the command again."
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
