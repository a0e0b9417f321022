"""Quantizing and caching are killed; the next start always works.

Once at moments spread over every line that the cache runs, in forked children, because importing torch so often would
take minutes. And once at random moments of a real load, in processes of their own.
"""

# torch annotates itself in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.canvas import ScoreQuery
from engine.quant.quantize import Packed
from engine.weights import manifest, store
from engine.weights.load import load
from engine.weights.store import WeightCache, held
from tests.unit.engine.canvases import prompt

MOMENTS = 50
FILES = (store.__file__, manifest.__file__)
WEIGHTS = {f"weight {i}": torch.arange(1000 * i, dtype=torch.float32) for i in range(1, 6)}


def pack() -> Iterator[Packed]:
    for name, tensor in WEIGHTS.items():
        yield Packed(name=name, parts={"codes": tensor, "scales": tensor[:7]}, error=0.1)


def place(_segment: str) -> torch.device:
    return torch.device("cpu")


def ignore(_done: int, _total: int) -> None:
    pass


def start(root: Path) -> dict[str, Tensor]:
    cache = WeightCache(root=root, source="source", revision="revision", scheme="int4")
    segments = {name: f"segment {name[-1] < '3'}" for name in WEIGHTS}
    return cache.tensors(pack, segments, size=1, device_of=place, progress=ignore)


def break_(root: Path) -> None:
    """Damages the cache, so that the next start has to write it anew over what lies there."""
    for file in root.rglob(manifest.WEIGHTS):
        os.truncate(file, 1000)


def lines_run(root: Path, *, kill_at: int | None) -> int:
    """Lines of the cache's modules that a start runs. kill_at: at which of them this process is killed."""
    count = 0

    def trace(frame: FrameType, event: str, _argument: object) -> Any:  # noqa: ANN401 - it is its own type.
        nonlocal count
        if frame.f_code.co_filename not in FILES:
            return None
        count += event == "line"
        if count == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        start(root)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be forked here")
def test_the_next_start_works(tmp_path: Path) -> None:
    start(tmp_path)
    break_(tmp_path)
    total = lines_run(tmp_path, kill_at=None)
    for moment in range(MOMENTS):
        break_(tmp_path)
        child = os.fork()
        if child == 0:
            try:
                lines_run(tmp_path, kill_at=1 + moment * total // MOMENTS)
            finally:
                os._exit(1)
        assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
        held = start(tmp_path)
        assert all(torch.equal(held[f"{name}.codes"], tensor) for name, tensor in WEIGHTS.items()), moment


@pytest.mark.skipif(sys.platform == "win32", reason="processes cannot be forked here")
def test_a_start_after_any_kill_works(wide: Path, tmp_path: Path) -> None:
    caches = tmp_path / "caches"
    expected = scores(wide, None)
    spawning = multiprocessing.get_context("forkserver")
    spawning.set_forkserver_preload(["engine.weights.load"])

    def start_one(kill_after: float | None) -> float:
        """Seconds of a start in a process of its own, which is killed then. kill_after: so many, or at its end."""
        ready, told = spawning.Pipe(duplex=False)
        process = spawning.Process(target=start_for, args=(wide, caches, told))
        process.start()
        told.close()
        ready.recv()
        began = time.perf_counter()
        ready.poll(kill_after)
        process.kill()
        process.join()
        return time.perf_counter() - began

    whole = start_one(None)
    chance = random.Random(0)
    unfinished = 0
    for moment in range(MOMENTS):
        if moment % 2:
            shutil.rmtree(caches)
        else:
            break_(caches)
        start_one(chance.uniform(0, whole))
        unfinished += not any(held(caches).values())
        assert torch.equal(scores(wide, caches), expected), moment
        assert list(caches.glob("*.partial")) == []
        [kept] = held(caches).values()
        assert kept is not None
    assert unfinished


def start_for(checkpoint: Path, caches: Path, told: Connection) -> None:
    """A start that quantizes and caches, in another process."""
    told.send(None)
    load(checkpoint, scheme="int4", cache=caches)
    told.send(None)


def scores(checkpoint: Path, caches: Path | None) -> Tensor:
    """What a start makes of a text."""
    denoiser = load(checkpoint, scheme="int4", cache=caches)
    with denoiser.prefill(prompt(10)) as context:
        return torch.from_numpy(denoiser.reader(context).read([ScoreQuery(token_ids=prompt(20, seed=1))])[0].log_probs)
