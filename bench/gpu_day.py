"""Everything that is to be known of a card that is lent for ten minutes, in one command that ends by itself.

    python -m bench.gpu_day --out DIR

Writes a JSON a stage as it ends, so that nothing is lost where time runs out or the card fails: the machine; whether
the card's answers are the CPU's, repeat, and do not depend on their batch; the real model's size with random weights,
unquantized, in int4 and in nf4, by each path, whether these agree, and the memory that was planned and taken; and the
kernels by shape. Needs no checkpoint but the embedded one and no network. `--small` runs all of it on a CPU, with a
model of toy widths.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from transformers import DiffusionGemmaConfig

from bench.engine import LINE, canvases, measure, random_ids, recorded
from bench.full_size import configuration
from bench.kernel_times import kernel_times
from bench.machine import machine
from bench.parity import CONTEXT, Observed, compared, observed
from bench.random_denoiser import random_denoiser
from bench.roofline import Roofline, copy_rate, synchronize
from engine.canvas import DenoiseConfig, ScoreQuery, TokenIds
from engine.cuda.denoiser import CudaDenoiser
from engine.nano import DIRECTORY
from engine.placement.budget import GB, Needs
from engine.placement.devices import compute_dtype
from engine.quant.packed_product import kernel_fault
from engine.quant.scheme import Scheme
from engine.reference import ReferenceDenoiser
from engine.weights.load import load

SECONDS, LAST_SECONDS = 520, 540
"""When no further stage begins, and when the one under way is ended."""

_TOY = {
    "vocab_size": 8192,
    "hidden_size": 64,
    "intermediate_size": 64,
    "head_dim": 16,
    "global_head_dim": 32,
    "moe_intermediate_size": 64,
    "num_hidden_layers": 6,
    "num_experts": 16,
}

_STEPS = 3

Found: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Day:
    """A run. device: cpu where it is small. began: on the clock that does not go back."""

    device: torch.device
    small: bool
    began: float

    @property
    def over(self) -> bool:
        """Whether nothing new may begin."""
        return time.perf_counter() - self.began > SECONDS

    @property
    def contexts(self) -> tuple[int, ...]:
        return (64,) if self.small else (1024, 8192)

    @property
    def rows(self) -> int:
        """Of a line, that paths are compared by."""
        return 2 if self.small else len(LINE)

    @property
    def config(self) -> DiffusionGemmaConfig:
        """The real model's, or a toy's."""
        return configuration(**(_TOY if self.small else {}))


def environment(day: Day) -> Found:
    """The machine, its libraries, and what a copy and a launch take."""
    import transformers

    found: Found = {
        "machine": machine(str(day.device)),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "transformers": transformers.__version__,
        "copy_gb_s": copy_rate(day.device) / 1e9,
    }
    try:
        found["triton"] = metadata.version("triton")
    except metadata.PackageNotFoundError:
        found["triton"] = None
    found["kernel_fault"] = kernel_fault(day.device)
    one = torch.zeros(1, device=day.device)
    began = time.perf_counter()
    for _ in range(1000):
        one.add_(1)
    found["launch_us"] = 1_000 * (time.perf_counter() - began)
    return found


def parity(day: Day) -> Found:
    """The embedded checkpoint by every path and dtype of the card against the CPU's float32."""
    kinds: Sequence[tuple[str, Scheme]] = (("float32", "none"), ("bfloat16", "none"), ("bfloat16", "int4"))
    expected = observed(load(DIRECTORY, context_tokens=CONTEXT), rows=day.rows)
    found: Found = {}
    for dtype, scheme in kinds[:1] if day.small else kinds:
        reference = load(DIRECTORY, device=day.device, dtype=dtype, scheme=scheme, context_tokens=CONTEXT)
        for path, make in _paths(reference).items():
            found[f"{path} {dtype} {scheme}"] = _tried(lambda make=make: compared(make(), expected))
    return found


def _paths(reference: ReferenceDenoiser) -> dict[str, Callable[[], ReferenceDenoiser | CudaDenoiser]]:
    """What makes each path's denoiser."""
    return {"reference": lambda: reference, "fast": lambda: recorded(reference)}


def full(day: Day, scheme: Scheme) -> Found:
    """The real size in a scheme: building, recording, steps, scores and prefill by path; memory against the plan."""
    dtype = compute_dtype(day.device)
    tokens = max(CONTEXT, *day.contexts) + 64
    before = _allocated(day.device)
    began = time.perf_counter()
    reference = random_denoiser(day.config, scheme, day.device, dtype, context_tokens=tokens)
    synchronize(day.device)
    found: Found = {
        "build_s": time.perf_counter() - began,
        "weights_gb": (_allocated(day.device) - before) / GB,
        "planned_gb": Needs(day.config, dtype, on_card=day.device.type == "cuda")
        .budget(scheme, context_tokens=tokens)
        .total
        / GB,
    }
    expected = observed(reference, rows=day.rows)
    for path, make in _paths(reference).items():
        reference.shrink(reference.max_context_tokens)
        found[path] = _tried(lambda path=path, make=make: _measured(day, path, make, scheme, expected, before))
    return found


def _measured(
    day: Day,
    path: str,
    make: Callable[[], ReferenceDenoiser | CudaDenoiser],
    scheme: Scheme,
    expected: Sequence[Observed],
    before: int,
) -> Found:
    """A path's figures. expected: what the reference comes to. before: bytes that the card held before the model."""
    if day.over:
        return {"error": "no time was left"}
    roofline, rate = Roofline.of(day.config, scheme, compute_dtype(day.device)), copy_rate(day.device)
    if day.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(day.device)
    began = time.perf_counter()
    denoiser = make()
    own: Found = {"record_s": time.perf_counter() - began}
    rows = measure(
        {path: denoiser},
        roofline,
        rate,
        names=("line", "16") if day.small else ("line", "64", "256"),
        contexts=day.contexts,
        steps=_STEPS,
        repeats=2 if day.small else 3,
    )
    own["steps"] = [asdict(row) for row in rows]
    own["parity"] = compared(denoiser, expected)
    own |= _reading_times(denoiser, min(day.contexts))
    if day.device.type == "cuda":
        free, total = torch.cuda.mem_get_info(day.device)
        # With what torch does not count: the driver's, that of graphs, and what lies idle in torch's cache.
        own["taken_gb"] = (total - free) / GB
        own["peak_gb"] = (torch.cuda.max_memory_allocated(day.device) - before) / GB
        own["profile"] = _profiled(denoiser, min(day.contexts))
    return own


def _reading_times(denoiser: ReferenceDenoiser | CudaDenoiser, context_tokens: int) -> Found:
    """Milliseconds of scoring a line's texts, of going on from them, and of a new line in the prompt; the best of
    three."""
    vocabulary = denoiser.vocabulary_size
    ids = random_ids(context_tokens, vocabulary, seed=1)
    texts = [random_ids(length + 8, vocabulary, seed=2) for length in LINE]
    best: dict[str, float] = {}

    def timed(name: str, work: Callable[[], object]) -> None:
        began = time.perf_counter()
        work()
        best[name] = min(best.get(name, np.inf), 1_000 * (time.perf_counter() - began))

    for attempt in range(3):
        with denoiser.prefill(ids) as context:
            reader = denoiser.reader(context)
            more = [ScoreQuery(token_ids=np.append(text, np.int32(number))) for number, text in enumerate(texts)]
            timed("score_ms", lambda reader=reader: reader.read([ScoreQuery(token_ids=text) for text in texts]))
            timed("go_on_ms", lambda reader=reader, more=more: reader.read(more))
        line = np.concatenate([ids[:-24], random_ids(24, vocabulary, seed=10 + attempt)])

        def prefill(line: TokenIds = line) -> None:
            denoiser.prefill(line).release()
            synchronize(denoiser.backbone.device)

        timed("prefill_24_ms", prefill)
    return best


def _profiled(denoiser: ReferenceDenoiser | CudaDenoiser, context_tokens: int) -> Found:
    """Where a line's step spends its time on the card: the kernels that take most, in ms."""
    from torch.profiler import ProfilerActivity, profile

    config = DenoiseConfig(max_denoising_steps=1, clamped="read_once")
    rows = canvases("line", denoiser.vocabulary_size)
    with denoiser.prefill(random_ids(context_tokens, denoiser.vocabulary_size, seed=1)) as context:
        stepper = denoiser.start(context, rows, seeds=range(len(rows)), config=config)
        with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiled:
            stepper.step()
            torch.cuda.synchronize()
    events = [event for event in profiled.key_averages() if event.device_type.name == "CUDA"]
    events.sort(key=lambda event: -event.self_device_time_total)
    return {
        "kernels": sum(event.count for event in events),
        "gpu_ms": sum(event.self_device_time_total for event in events) / 1e3,
        "top": [(event.key[:80], event.count, event.self_device_time_total / 1e3) for event in events[:15]],
    }


def _allocated(device: torch.device) -> int:
    return torch.cuda.memory_allocated(device) if device.type == "cuda" else 0


def stages() -> Mapping[str, Callable[[Day], Found]]:
    """What runs, the most important first."""
    return {
        "environment": environment,
        "parity": parity,
        "int4": lambda day: full(day, "int4"),
        "kernels": lambda day: kernel_times(day.device, small=day.small),
        "none": lambda day: full(day, "none"),
        "nf4": lambda day: full(day, "nf4"),
    }


def run(day: Day, name: str) -> Found:
    """A stage's result, or why it failed."""
    if day.over:
        return {"error": "no time was left"}
    began = time.perf_counter()
    return _tried(lambda: stages()[name](day)) | {"seconds": time.perf_counter() - began}


def _tried(work: Callable[[], Found]) -> Found:
    """What work finds, or why it fails."""
    try:
        return work()
    except Exception as error:
        traceback.print_exc()
        return {"error": f"{type(error).__name__}: {str(error)[:500]}"}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.gpu_day", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the results go")
    parser.add_argument("--stages", nargs="+", choices=list(stages()), default=list(stages()))
    parser.add_argument("--small", action="store_true", help="on a CPU, with a toy")
    parser.add_argument("--began", type=float, default=time.perf_counter(), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.small and not torch.cuda.is_available():
        parser.error("no CUDA card is here; --small tries everything on a CPU")
    device = torch.device("cpu") if options.small else torch.device("cuda", 0)
    options.out.mkdir(parents=True, exist_ok=True)
    if len(options.stages) > 1:
        for name in options.stages:
            _run_apart(name, options)
    else:
        [name] = options.stages
        _write(options.out, name, run(Day(device, options.small, options.began), name))


def _run_apart(name: str, options: argparse.Namespace) -> None:
    """Runs a stage in a process of its own: a card that fails is lost to the process, and a model may stay in it."""
    (options.out / f"{name}.json").unlink(missing_ok=True)
    command = [sys.executable, "-m", "bench.gpu_day", "--out", str(options.out), "--stages", name]
    command += ["--began", str(options.began), *(["--small"] if options.small else [])]
    left = max(options.began + LAST_SECONDS - time.perf_counter(), 1)
    try:
        ended = f"its process ended with {subprocess.run(command, timeout=left, check=False).returncode}"
    except subprocess.TimeoutExpired:
        ended = "its process took too long"
    if not (options.out / f"{name}.json").exists():
        _write(options.out, name, {"error": ended})


def _write(out: Path, name: str, found: Found) -> None:
    (out / f"{name}.json").write_text(json.dumps(found, indent=1))
    print(json.dumps({"stage": name} | found)[:4000], flush=True)


if __name__ == "__main__":
    main()
