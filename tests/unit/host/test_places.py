"""What a host is called, and where it is found."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import platformdirs
import pytest

from dgemma_lsp.checkpoints.resolve import remember_pulled, resolve
from dgemma_lsp.client import launch
from dgemma_lsp.client.launch import FixedEngine, Launcher
from dgemma_lsp.host import log
from dgemma_lsp.wire import directories, endpoint, identity
from dgemma_lsp.wire.errors import EngineUnavailable
from dgemma_lsp.wire.identity import EngineOptions, fingerprint, key
from engine.errors import CheckpointError

OPTIONS = EngineOptions()


@pytest.mark.parametrize(
    ("options", "same"),
    [
        (OPTIONS, True),
        (replace(OPTIONS, device="cpu"), False),
        (replace(OPTIONS, quantization="none"), False),
        (replace(OPTIONS, idle_unload_minutes=None, exit_minutes=1.0), True),
    ],
)
def test_the_key_depends_on_what_must_not_be_shared(options: EngineOptions, same: bool) -> None:
    assert (key(Path("/a"), OPTIONS) == key(Path("/a"), options)) is same
    assert key(Path("/a"), OPTIONS) != key(Path("/b"), OPTIONS)


def test_changed_code_has_another_fingerprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "engine").mkdir()
    code = tmp_path / "engine" / "a.py"
    monkeypatch.setattr(identity, "ROOT", tmp_path)
    seen: set[str] = set()
    for text in ("x = 1", "x = 2"):
        code.write_text(text)
        seen.add(fingerprint.__wrapped__())
    code.rename(code.with_name("b.py"))
    seen.add(fingerprint.__wrapped__())
    assert len(seen) == 3


def test_another_version_of_a_library_has_another_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"torch": "2.9.0"}

    def installed(package: str) -> str:
        return versions.get(package, "1")

    monkeypatch.setattr(metadata, "version", installed)
    seen: set[str] = set()
    for versions["torch"] in ("2.9.0", "2.9.0+cu128", "2.9.1"):
        identity.version.cache_clear()
        seen.add(fingerprint.__wrapped__())
    identity.version.cache_clear()
    assert len(seen) == 3


def test_a_checkpoint_that_was_trained_anew_has_another_key(tmp_path: Path) -> None:
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"old weights")
    first = key(tmp_path, OPTIONS)
    assert key(tmp_path, OPTIONS) == first
    weights.write_bytes(b"new weights")
    os.utime(weights, (1, 1))
    assert key(tmp_path, OPTIONS) != first


def test_a_file_that_cannot_be_looked_at_is_no_part_of_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = key(tmp_path, OPTIONS)
    (tmp_path / "theirs").write_text("")
    whole = Path.stat

    def stat_of(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if path.name == "theirs":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return whole(path, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", stat_of)
    assert key(tmp_path, OPTIONS) == before


def test_a_runtime_directory_is_made_for_its_user_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = _runtime_path(monkeypatch, tmp_path / "run")
    assert directories.runtime_directory() == shown
    assert stat.S_IMODE(shown.stat().st_mode) == 0o700
    shown.chmod(0o755)
    directories.runtime_directory()
    assert stat.S_IMODE(shown.stat().st_mode) == 0o700


def test_an_unusable_runtime_directory_is_one_clear_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    _runtime_path(monkeypatch, tmp_path / "file" / "run")
    with pytest.raises(EngineUnavailable, match=r"file/run cannot be used: Not a directory. Set XDG_RUNTIME_DIR"):
        directories.runtime_directory()


def test_a_runtime_directory_that_the_library_refuses_is_one_clear_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_name: str, *, appauthor: bool) -> Path:
        raise PermissionError("/tmp/runtime-1 is a symlink")

    monkeypatch.setattr(platformdirs, "user_runtime_path", refuse)
    with pytest.raises(EngineUnavailable, match=r"directory cannot be used: /tmp/runtime-1 is a symlink\. Set"):
        directories.runtime_directory()


def test_another_users_runtime_directory_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _runtime_path(monkeypatch, tmp_path)
    monkeypatch.setattr(os, "getuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(EngineUnavailable, match="belongs to another user"):
        directories.runtime_directory()


def _runtime_path(monkeypatch: pytest.MonkeyPatch, path: Path) -> Path:
    def user_runtime_path(_name: str, *, appauthor: bool) -> Path:
        return path

    monkeypatch.setattr(platformdirs, "user_runtime_path", user_runtime_path)
    return path


@pytest.fixture(name="short")
def _short() -> Iterator[Path]:
    directory = Path("/tmp") / f"dg-{os.getpid()}"
    directory.mkdir(mode=0o700)
    yield directory
    shutil.rmtree(directory)


@pytest.mark.parametrize("unix", [True, False])
def test_a_listener_is_found_until_it_is_forgotten(short: Path, monkeypatch: pytest.MonkeyPatch, *, unix: bool) -> None:
    monkeypatch.setattr(endpoint, "UNIX", unix)
    assert endpoint.find(short, "k") is None
    listener, address = endpoint.listen(short, "k")
    with listener:
        assert endpoint.find(short, "k") == address
        assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in short.iterdir())
        assert (address.token is None) is unix
    listener, again = endpoint.listen(short, "k")
    with listener:
        assert endpoint.find(short, "k") == again
    endpoint.forget(short, "k")
    assert list(short.iterdir()) == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"port": 1}', '{"port": null, "token": "a"}'])
def test_a_broken_address_file_names_no_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(endpoint, "UNIX", False)
    (tmp_path / "k.json").write_text(text)
    assert endpoint.find(tmp_path, "k") is None


def test_a_path_too_long_for_a_socket_is_one_clear_message() -> None:
    with pytest.raises(EngineUnavailable, match=r"more than 100\. Set XDG_RUNTIME_DIR to a shorter"):
        endpoint.listen(Path("/tmp") / ("x" * 100), "k")


def test_checkpoints_are_found_on_this_machine_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    assert resolve("mine").directory == tmp_path / "mine"
    assert resolve(resolve("mine").name) == resolve("mine")
    assert resolve("auto") == resolve("nano")
    assert resolve("auto").name == "nano"
    with pytest.raises(CheckpointError, match="no checkpoint directory"):
        resolve("no/such/directory")
    with pytest.raises(CheckpointError, match="dgemma-lsp pull no-such/repository"):
        resolve("no-such/repository")
    with pytest.raises(CheckpointError, match="name is empty"):
        resolve("")
    with pytest.raises(CheckpointError, match="neither a directory nor the name of a repository"):
        resolve("org/a--b")


@pytest.mark.parametrize(
    ("word", "reason"), [("~nobody-of-this-name/x", "home directory"), ("x" * 5_000, "File name too long")]
)
def test_a_directory_that_cannot_be_looked_at_is_one_clear_message(word: str, reason: str) -> None:
    with pytest.raises(CheckpointError, match=reason):
        resolve(word)


def test_a_pull_that_cannot_be_written_down_leaves_the_last_one_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    remember_pulled(resolve(str(tmp_path / "first")))

    def full(path: Path, text: str, **_: object) -> int:
        path.open("w").close()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(CheckpointError, match="No space left"):
        remember_pulled(resolve(str(tmp_path / "second")))
    assert resolve("auto").directory == tmp_path / "first"


def test_a_log_is_rotated_and_old_ones_are_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "BYTES", 200)
    old, young = tmp_path / "host-old.log", tmp_path / "host-young.log"
    for file in (old, young):
        file.write_text("")
    os.utime(old, (0, 0))
    gone = tmp_path / "host-gone.log"
    gone.symlink_to("nowhere")  # As one looks that another host deletes meanwhile.
    script = (
        "import logging, os, sys\n"
        "from pathlib import Path\n"
        "from dgemma_lsp.host import log\n"
        "log.BYTES = 200\n"
        "log.open_log(Path(sys.argv[1])).take_output()\n"
        "print('printed')\n"
        "for i in range(20): logging.getLogger('a').info('line %d', i)\n"
        "logging.getLogger('a').debug('secret')\n"
        "os.write(2, b'last words')\n"
    )
    path = tmp_path / "host-new.log"
    subprocess.run([sys.executable, "-c", script, str(path)], check=True, cwd=identity.ROOT)
    gone.unlink()
    assert not old.exists()
    assert young.exists()
    assert "line 19" in path.read_text()
    assert "last words" in path.read_text()
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.glob("host-new.log*")} == {0o600}
    assert len(list(tmp_path.glob("host-new.log.*"))) == log.BACKUPS
    assert "secret" not in "".join(file.read_text() for file in tmp_path.iterdir())


def test_a_deleted_installation_is_one_clear_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "ROOT", tmp_path / "gone")
    _runtime_path(monkeypatch, tmp_path)
    launcher = Launcher(EngineOptions(checkpoint=str(tmp_path)))
    monkeypatch.setattr(endpoint, "PATH_LIMIT", 1000)
    with pytest.raises(EngineUnavailable, match=r"could not be started: No such file or directory: .*gone"):
        launcher.start()


def test_an_engine_elsewhere_is_not_started() -> None:
    with pytest.raises(EngineUnavailable, match=r"No engine answers at http://127.0.0.1:1"):
        FixedEngine("http://127.0.0.1:1").start()


def test_a_front_end_imports_nothing_heavy() -> None:
    script = (
        "import sys, dgemma_lsp.client.client\n"
        "heavy = {'torch', 'transformers', 'tokenizers', 'huggingface_hub', 'starlette', 'uvicorn', 'httpx2'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=identity.ROOT)
