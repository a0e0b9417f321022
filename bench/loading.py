"""What loading takes: memory while it quantizes, the rate at which the cache is read, and the real size on a GPU."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import numpy as np
import torch
from transformers import DiffusionGemmaConfig

from bench.random_weights import random_tensors, write_checkpoint
from engine.canvas import Canvas, DenoiseConfig
from engine.model.empty_model import EmptyModel
from engine.placement.budget import GB, Needs, Plan
from engine.placement.devices import compute_dtype, free_bytes, main_memory_bytes
from engine.quant.quantize import formats_of, packed_stream
from engine.quant.scheme import Scheme
from engine.reference import ReferenceDenoiser
from engine.weights.load import DEFAULT_CONTEXT_TOKENS, finish, load, offloaded_segments
from engine.weights.manifest import WEIGHTS, read_manifest
from engine.weights.read import read_segments
from engine.weights.store import WeightCache

_BLOCK = 2**24
_STEPS = 5
_READINGS = 5


def measure_load(place: Path, scheme: Scheme, config: DiffusionGemmaConfig) -> dict[str, float]:
    """A random checkpoint: quantized and cached, then loaded from the cache off a cold disk. Sizes in GB, rates in GB a
    second, the medians of several readings in turn."""
    root = Path(tempfile.mkdtemp(dir=place))
    try:
        checkpoint = root / "checkpoint"
        size = write_checkpoint(config, checkpoint)
        figures = {"checkpoint": size / GB, "anonymous_before": _anonymous() / GB}
        with _peak_of_anonymous() as peak:
            began = time.perf_counter()
            load(checkpoint, scheme=scheme, dtype="bfloat16", cache=root / "caches")
            figures["quantize_s"] = time.perf_counter() - began
        figures["anonymous_peak"] = peak[0] / GB
        [weights] = (root / "caches").glob(f"*/{WEIGHTS}")
        figures["quantized"] = weights.stat().st_size / GB
        # In turn, because what lies under a file system keeps some of what was just written or read.
        seconds = [(_sequential_s(weights), _cached_s(weights.parent)) for _ in range(_READINGS)]
        figures["disk_rate"] = figures["quantized"] / median(sequential for sequential, _ in seconds)
        figures["cache_rate"] = figures["quantized"] / median(cached for _, cached in seconds)
        began = time.perf_counter()
        load(checkpoint, scheme=scheme, dtype="bfloat16", cache=root / "caches")
        figures["warm_start_s"] = time.perf_counter() - began
        return figures
    finally:
        shutil.rmtree(root)


def _cached_s(directory: Path) -> float:
    """Seconds that reading a cache from the disk takes, checked and in memory."""
    _forget(directory / WEIGHTS)
    began = time.perf_counter()
    read_segments(directory, read_manifest(directory), lambda _: torch.device("cpu"), lambda _: None)
    return time.perf_counter() - began


def _sequential_s(path: Path) -> float:
    """Seconds that reading a file from the disk takes, in large pieces one after another."""
    _forget(path)
    began = time.perf_counter()
    buffer = bytearray(_BLOCK)
    with path.open("rb", buffering=0) as file:
        while file.readinto(buffer):
            pass
    return time.perf_counter() - began


def _forget(path: Path) -> None:
    """Has the operating system drop what it keeps of a file."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _anonymous() -> int:
    """Bytes of this process's memory that no file stands behind."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))


@contextmanager
def _peak_of_anonymous() -> Iterator[list[int]]:
    peak, ended = [0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            peak[0] = max(peak[0], _anonymous())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()


def measure_full(
    place: Path,
    device: torch.device,
    scheme: Scheme,
    config: DiffusionGemmaConfig,
    *,
    max_gb: float | None = None,
    context_tokens: int = DEFAULT_CONTEXT_TOKENS,
) -> dict[str, float]:
    """A random model, quantized as it is made, then loaded from the cache and asked for holes. GB and seconds."""
    dtype = compute_dtype(device)
    free = free_bytes(device) if max_gb is None else min(free_bytes(device), int(max_gb * GB))
    main_memory = main_memory_bytes() if device.type == "cuda" else None
    plan = Needs(config, dtype).plan(
        (scheme,), context_tokens=context_tokens, free=free, main_memory=main_memory, place=str(device)
    )
    figures = {"predicted": plan.budget.total / GB, "offloaded_layers": plan.offloaded}
    before = _allocated(device)
    root = Path(tempfile.mkdtemp(dir=place))
    try:
        for start in ("cold", "warm"):
            began = time.perf_counter()
            denoiser = _random_denoiser(root, config, device, plan)
            figures[f"{start}_start_s"] = time.perf_counter() - began
    finally:
        shutil.rmtree(root)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    context = np.random.default_rng(0).integers(0, denoiser.vocabulary_size, context_tokens).astype(np.int32)
    rows = [_hole(denoiser.vocabulary_size, length) for length in (8, 16, 28, 44, 64, 96)]
    with denoiser.prefill(context) as prefilled:
        stepper = denoiser.start(
            prefilled, rows, seeds=range(len(rows)), config=DenoiseConfig(max_denoising_steps=_STEPS)
        )
        began = time.perf_counter()
        positions = [stepper.step().token_positions for _ in range(_STEPS)]
        figures["step_s"] = (time.perf_counter() - began) / _STEPS
    figures["positions"] = positions[0]
    if device.type == "cuda":
        figures["measured"] = (torch.cuda.max_memory_allocated(device) - before) / GB
    return figures


def _random_denoiser(root: Path, config: DiffusionGemmaConfig, device: torch.device, plan: Plan) -> ReferenceDenoiser:
    model = EmptyModel(config, compute_dtype(device))
    formats = formats_of(model.weights, plan.scheme)
    model.pack(formats)
    away = set(offloaded_segments(model, plan.offloaded))
    cache = WeightCache(root=root, source="random", revision="0", scheme=plan.scheme)
    held = cache.tensors(
        lambda: packed_stream(random_tensors(model.weights, device), formats, device),
        {weight.name: weight.segment for weight in model.weights},
        size=plan.budget.weights + plan.budget.main_memory,
        device_of=lambda segment: torch.device("cpu") if segment in away else device,
        progress=lambda _done, _total: None,
    )
    return finish(model, held, device, offloaded=plan.offloaded, context_tokens=plan.context_tokens)


def _hole(vocabulary: int, length: int) -> Canvas:
    """A canvas whose middle is free, between sixteen clamped tokens on either side."""
    token_ids = np.random.default_rng(length).integers(0, vocabulary, length + 32).astype(np.int32)
    clamped = np.ones(len(token_ids), np.bool_)
    clamped[16:-16] = False
    return Canvas(token_ids=token_ids, clamped=clamped, keep_start=np.zeros_like(clamped))


def _allocated(device: torch.device) -> int:
    return torch.cuda.memory_allocated(device) if device.type == "cuda" else 0
