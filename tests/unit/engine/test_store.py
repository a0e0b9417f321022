"""The cache of packed weights: the same weights from it as from the checkpoint, whatever has happened to it."""

# torch and transformers annotate themselves in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from filelock import FileLock
from torch import Tensor

from engine.canvas import ScoreQuery
from engine.errors import CacheError, CheckpointError
from engine.quant.quantize import Packed
from engine.reference import ReferenceDenoiser
from engine.weights import store
from engine.weights.load import LoadProgress, load
from engine.weights.manifest import MANIFEST, WEIGHTS, BrokenCacheError, Part, read_manifest
from engine.weights.store import WeightCache, revision
from tests.unit.engine.canvases import prompt


@pytest.fixture
def copy(wide: Path, tmp_path: Path) -> Path:
    return shutil.copytree(wide, tmp_path / "checkpoint")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "caches"


def scores(denoiser: ReferenceDenoiser) -> Tensor:
    with denoiser.prefill(prompt(10)) as context:
        return torch.from_numpy(denoiser.reader(context).read([ScoreQuery(token_ids=prompt(20, seed=1))])[0].log_probs)


@pytest.fixture(scope="module")
def expected(wide: Path) -> Tensor:
    return scores(load(wide, scheme="int4"))


def directory_in(root: Path) -> Path:
    [directory] = root.glob("int4-*/")
    return directory


def test_it_holds_what_the_checkpoint_gives(copy: Path, root: Path, expected: Tensor) -> None:
    for _ in range(2):
        assert torch.equal(scores(load(copy, scheme="int4", cache=root)), expected)
    manifest = read_manifest(directory_in(root))
    assert {path.name for path in directory_in(root).iterdir()} == {MANIFEST, WEIGHTS}
    assert (manifest.scheme, manifest.source, len(manifest.segments)) == ("int4", str(copy), 13)
    assert all(0 < error < 0.1 for error in manifest.errors.values())


def test_it_serves_a_checkpoint_whose_shards_are_gone(copy: Path, root: Path, expected: Tensor) -> None:
    load(copy, scheme="int4", cache=root, source="a/name")
    for shard in copy.glob("*.safetensors"):
        shard.unlink()
    assert torch.equal(scores(load(copy, scheme="int4", cache=root, source="a/name")), expected)
    os.truncate(directory_in(root) / WEIGHTS, 5)
    with pytest.raises(CheckpointError, match=r"model-00001.*does not exist"):
        load(copy, scheme="int4", cache=root, source="a/name")


def truncate(directory: Path) -> None:
    os.truncate(directory / WEIGHTS, 5000)


def flip(name: str) -> Callable[[Path], None]:
    def flipped(directory: Path) -> None:
        content = bytearray((directory / name).read_bytes())
        content[len(content) // 2] ^= 1
        (directory / name).write_bytes(content)

    return flipped


def without(name: str) -> Callable[[Path], None]:
    return lambda directory: (directory / name).unlink()


def overwrite(directory: Path) -> None:
    (directory / MANIFEST).write_text("[]")


def leave_half_written(directory: Path) -> None:
    partial = directory.with_name(f"{directory.name}.partial")
    directory.rename(partial)
    truncate(partial)


def foreign(directory: Path) -> None:
    stored = json.loads((directory / MANIFEST).read_text())
    stored["content"]["colour"] = "red"
    (directory / MANIFEST).write_text(json.dumps(stored))


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(truncate, id="truncated"),
        pytest.param(flip(WEIGHTS), id="a flipped bit in the weights"),
        pytest.param(flip(MANIFEST), id="a flipped bit in the manifest"),
        pytest.param(without(MANIFEST), id="no manifest"),
        pytest.param(without(WEIGHTS), id="no weights"),
        pytest.param(overwrite, id="not a manifest"),
        pytest.param(foreign, id="another manifest"),
        pytest.param(leave_half_written, id="half written"),
    ],
)
def test_what_is_broken_is_made_anew(
    copy: Path, root: Path, expected: Tensor, damage: Callable[[Path], object]
) -> None:
    load(copy, scheme="int4", cache=root)
    directory = directory_in(root)
    whole = (directory / WEIGHTS).read_bytes()
    damage(directory)
    assert torch.equal(scores(load(copy, scheme="int4", cache=root)), expected)
    assert (directory / WEIGHTS).read_bytes() == whole
    assert [path.name for path in root.iterdir() if path.is_dir()] == [directory.name]


def without_room(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def usage(_path: Path) -> SimpleNamespace:
        return SimpleNamespace(free=1000)

    monkeypatch.setattr(shutil, "disk_usage", usage)


def in_a_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root.touch()


def full_while_writing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)


@pytest.mark.parametrize(
    ("obstacle", "message"),
    [
        (without_room, r"need 0\.0 GB in .*caches, where 0\.0 GB are free\. Make room"),
        (in_a_file, r"cache directory .*caches cannot be used: File exists"),
        (full_while_writing, r"cannot be written: No space left on device"),
    ],
)
def test_without_a_place_for_it_the_weights_are_quantized_all_the_same(
    copy: Path,
    root: Path,
    expected: Tensor,
    obstacle: Callable[[Path, pytest.MonkeyPatch], None],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    warnings: list[str] = []
    with monkeypatch.context() as patched:
        obstacle(root, patched)
        loaded = load(copy, scheme="int4", cache=root, warn=warnings.append)
    assert torch.equal(scores(loaded), expected)
    [warning] = warnings
    assert re.search(f"^Every start has to quantize anew, because .*{message}", warning)


def test_another_revision_takes_the_old_ones_place(copy: Path, root: Path) -> None:
    load(copy, scheme="int4", cache=root)
    load(copy, scheme="int8", cache=root)
    old = directory_in(root)
    shard = min(copy.glob("*.safetensors"))
    os.utime(shard, ns=(1, 1))
    load(copy, scheme="int4", cache=root)
    assert directory_in(root) != old
    assert len(list(root.glob("int8-*/"))) == 1


def test_a_snapshot_is_told_by_its_commit(copy: Path, tmp_path: Path) -> None:
    snapshot = tmp_path / "models--a--b" / "snapshots" / ("0123456789" * 4)
    snapshot.parent.mkdir(parents=True)
    copy.rename(snapshot)
    assert revision(snapshot) == snapshot.name


def test_progress_tells_both_stages(copy: Path, root: Path) -> None:
    seen: list[LoadProgress] = []
    load(copy, scheme="int4", cache=root, progress=seen.append)
    stages = [step.stage for step in seen]
    assert stages == sorted(stages)
    assert set(stages) == {"quantizing", "reading"}
    for stage in ("quantizing", "reading"):
        steps = [step for step in seen if step.stage == stage]
        assert steps[-1].done == steps[-1].total > 0
    seen.clear()
    load(copy, scheme="int4", cache=root, progress=seen.append)
    assert {step.stage for step in seen} == {"reading"}


def test_the_lock_is_let_go_even_while_something_holds_on_to_a_failure(tmp_path: Path) -> None:
    """A stored traceback keeps the frame alive that the lock stands in."""
    cache = WeightCache(root=tmp_path, source="source", revision="revision", scheme="int4")
    try:
        cache.make(failing, {}, size=1)
    except RuntimeError as error:
        kept = error
        assert kept.__traceback__ is not None
        FileLock(tmp_path / f"{cache.directory.name}.lock").acquire(timeout=0).lock.release()
    else:
        pytest.fail("nothing failed")


def failing() -> Iterator[Packed]:
    raise RuntimeError("packing failed")
    yield


def test_who_waits_too_long_for_another_writer_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LOCK_TIMEOUT", 0)
    cache = WeightCache(root=tmp_path, source="source", revision="revision", scheme="int4")
    with (
        FileLock(tmp_path / f"{cache.directory.name}.lock"),
        pytest.raises(CacheError, match=r"another process has been writing to .* host stop"),
    ):
        cache.make(failing, {}, size=1)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float16, torch.float8_e4m3fn])
def test_a_part_has_any_type_of_torch(dtype: torch.dtype) -> None:
    name = str(dtype).removeprefix("torch.")
    assert Part(segment="0", offset=0, shape=(1,), dtype=name).torch_dtype == dtype


@pytest.mark.parametrize("name", ["float7", "nn"])
def test_a_part_of_no_type_of_torch_is_a_broken_cache(name: str) -> None:
    with pytest.raises(BrokenCacheError, match=name):
        _ = Part(segment="0", offset=0, shape=(1,), dtype=name).torch_dtype
