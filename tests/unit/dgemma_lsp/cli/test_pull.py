"""`pull`: from a directory and from a hub that is a fake, down to the last byte on disk; and what can go wrong."""

from __future__ import annotations

import hashlib
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub import errors

from dgemma_lsp.__main__ import main
from dgemma_lsp.checkpoints.resolve import resolve
from engine import nano

COMMIT = "0123456789" * 4
REPOSITORY = "somebody/small"


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Caches and data in which nothing has been left, and no terminal."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return shutil.copytree(nano.DIRECTORY, tmp_path / "small", ignore=shutil.ignore_patterns("__pycache__", "*.py"))


def pull(*words: str) -> int:
    return main(["pull", *words, "--quantization", "int4", "--device", "cpu"])


def caches(tmp_path: Path) -> list[str]:
    return [path.name.split("-")[0] for path in (tmp_path / "cache" / "dgemma-lsp" / "quantized").glob("*/")]


def test_a_directory(directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert resolve("auto").name == "nano"
    assert pull(str(directory)) == 0
    out = capsys.readouterr().out
    assert "licence apache-2.0" in out
    assert "quantized to int4: 0.0 GB on disk; the weight that lost most is model.decoder.layers." in out
    assert "--delete-shards deletes them" in out
    assert caches(tmp_path) == ["int4"]
    assert resolve("auto").directory == directory
    assert len(list(directory.glob("*.safetensors"))) == 4


def test_shards_are_deleted_where_asked(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert pull(str(directory), "--delete-shards") == 0
    assert list(directory.glob("*.safetensors")) == []
    assert pull(str(directory)) == 0
    assert "quantized to int4" in capsys.readouterr().out


def test_shards_stay_where_the_question_is_not_answered(
    directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True, readline=lambda: ""))
    assert pull(str(directory)) == 0
    assert "Delete the unquantized weights" in capsys.readouterr().out
    assert len(list(directory.glob("*.safetensors"))) == 4


def test_what_fits_is_left_as_it_is(directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pull", str(directory), "--device", "cpu", "--delete-shards"]) == 0
    assert "fits this machine as it is" in capsys.readouterr().out
    assert caches(tmp_path) == []
    assert len(list(directory.glob("*.safetensors"))) == 4


def test_a_broken_directory_changes_nothing(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shard = min(directory.glob("*.safetensors"))
    shard.write_bytes(shard.read_bytes()[:1000])
    assert pull(str(directory)) == 1
    assert f"{shard.name} is truncated" in capsys.readouterr().err
    assert resolve("auto").name == "nano"


@dataclass
class Hub:
    """Hugging Face as the library shows it, over a directory; it is laid out as the library would."""

    source: Path
    place: Path
    error: Exception | None = None
    asked: list[str] = field(default_factory=list[str])

    def model_info(self, _api: object, repository: str) -> Any:  # noqa: ANN401 - a fake.
        self.asked.append(repository)
        if self.error is not None:
            raise self.error
        return SimpleNamespace(sha=COMMIT, card_data=SimpleNamespace(license="apache-2.0"))

    def snapshot_download(
        self, _repository: str, *, revision: str, allow_patterns: list[str], dry_run: bool = False
    ) -> Any:  # noqa: ANN401
        files = [path for path in self.source.iterdir() if any(path.match(pattern) for pattern in allow_patterns)]
        if dry_run:
            return [
                SimpleNamespace(file_size=path.stat().st_size, will_download=path.suffix != ".json") for path in files
            ]
        snapshot = self.place / "models--somebody--small" / "snapshots" / revision
        blobs = snapshot.parent.parent / "blobs"
        for made in (snapshot, blobs):
            made.mkdir(parents=True)
        for path in files:
            blob = blobs / hashlib.sha256(path.read_bytes()).hexdigest()
            shutil.copyfile(path, blob)
            (snapshot / path.name).symlink_to(blob)
        return str(snapshot)


@pytest.fixture
def hub(directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    hub = Hub(directory, tmp_path / "hub")
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda api, name: hub.model_info(api, name))  # pyright: ignore
    monkeypatch.setattr(huggingface_hub, "snapshot_download", hub.snapshot_download)
    return hub


def test_a_repository(hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert pull(REPOSITORY, "--delete-shards") == 0
    out = capsys.readouterr().out
    assert f"{REPOSITORY}: licence apache-2.0 (https://huggingface.co/{REPOSITORY}), 12 files, 0.0 GB" in out
    assert hub.asked == [REPOSITORY]
    snapshot = next((hub.place / "models--somebody--small" / "snapshots").iterdir())
    assert list(snapshot.glob("*.safetensors")) == []
    blobs = snapshot.parent.parent / "blobs"
    assert sum(blob.stat().st_size for blob in blobs.iterdir()) < 5_000_000
    assert caches(tmp_path) == ["int4"]


def test_without_room_nothing_is_fetched(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def usage(_path: Path) -> SimpleNamespace:
        return SimpleNamespace(free=1000)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    assert pull(REPOSITORY) == 1
    assert "needs 0.0 GB more in" in (err := capsys.readouterr().err)
    assert "HF_HOME" in err
    assert not hub.place.exists()


def refused(kind: type[errors.HfHubHTTPError]) -> errors.HfHubHTTPError:
    import httpx2

    response = httpx2.Response(403, request=httpx2.Request("GET", "https://huggingface.co"))
    return kind("403 Forbidden\nlong advice", response=response)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (refused(errors.GatedRepoError), "accept its licence: do so at https://huggingface.co/somebody/small"),
        (refused(errors.RepositoryNotFoundError), "has no repository somebody/small for you"),
        (refused(errors.HfHubHTTPError), "refused somebody/small: 403 Forbidden"),
        (errors.OfflineModeIsEnabled("offline mode is enabled"), "cannot be reached (offline mode is enabled)"),
        (ConnectionError("no route"), "or copy the checkpoint's directory here and run: dgemma-lsp pull DIRECTORY"),
        (PermissionError(13, "Permission denied", "/some/file"), "/some/file cannot be written: Permission denied"),
        (OSError(28, "No space left on device"), "somebody/small cannot be written: No space left on device"),
    ],
)
def test_what_the_hub_says_is_one_message(
    hub: Hub, error: Exception, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.error = error
    assert pull(REPOSITORY) == 1
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_what_is_no_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert pull("no/such/place") == 1
    assert "neither a directory nor the name of a repository" in capsys.readouterr().err
