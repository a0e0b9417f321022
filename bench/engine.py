"""Milliseconds a denoising step by path, canvas and context, beside the least that the memory's speed allows.

    python -m bench.engine                              the embedded checkpoint on the CPU
    python -m bench.engine --device cuda --random int4  the real model's size with random weights
    python -m bench.engine --device cuda --checkpoint DIR --scheme int4

All paths run on the same weights, in one run. `reference` is the portable path, `fast` that of `engine/cuda`,
`transformers` its `generate`, and `diffusers` its pipeline for the model. The last two are left out, and it is said
why, where they are not installed, without a checkpoint, and where its weights are packed.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any, TypeAlias

import numpy as np
import torch
from transformers import DiffusionGemmaConfig, DiffusionGemmaForBlockDiffusion

from bench.full_size import configuration
from bench.machine import machine
from bench.other_loops import LOOPS, missing
from bench.random_denoiser import random_denoiser
from bench.roofline import Roofline, copy_rate
from engine.canvas import Canvas, DenoiseConfig, Denoiser, TokenIds
from engine.checkpoint.config import model_config
from engine.cuda.denoiser import CudaDenoiser
from engine.nano import DIRECTORY
from engine.placement.devices import compute_dtype, find_device
from engine.quant.scheme import SCHEMES, Scheme
from engine.reference import ReferenceDenoiser
from engine.weights.load import load

LINE = (2, 2, 2, 3, 3, 3, 4, 5, 8, 18)
"""Lengths of the rows of a usual line."""

_AROUND = 42
"""Clamped tokens of a usual line."""

Times: TypeAlias = tuple[float, float]
"""Seconds of a first step, and of a later one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measurement. canvas: free tokens, or `line` for the rows of a usual line and their surroundings. first,
    later: ms of a step. floor: the least that a later one can take. gb_s: of the bytes that it has to move."""

    path: str
    canvas: str
    context: int
    tokens: int
    first: float
    later: float
    floor: float
    gb_s: float


def step_times(denoiser: Denoiser, prompt: TokenIds, rows: Sequence[Canvas], *, steps: int, repeats: int) -> Times:
    """Medians over repeats, after one that is not counted. Of rows of one step both are that one's."""
    config = DenoiseConfig(max_denoising_steps=steps, confidence_threshold=0.0, clamped="read_once")
    first: list[float] = []
    later: list[float] = []
    with denoiser.prefill(prompt) as context:
        for repeat in range(repeats + 1):
            stepper = denoiser.start(context, rows, seeds=range(len(rows)), config=config)
            taken: list[float] = []
            for _ in range(steps):
                # A step ends with the copy of its result, so that nothing is left to wait for.
                began = time.perf_counter()
                stepper.step()
                taken.append(time.perf_counter() - began)
            if repeat:
                first.append(taken[0])
                later.append(median(taken[1:] or taken))
    return median(first), median(later)


def canvases(name: str, vocabulary: int) -> list[Canvas]:
    """The rows that a name means: so many free tokens, or those of a usual line."""
    if name != "line":
        free = np.zeros(int(name), np.bool_)
        return [Canvas(token_ids=random_ids(len(free), vocabulary), clamped=free, keep_start=free)]
    known = random_ids(_AROUND, vocabulary)
    half = _AROUND // 2
    rows: list[Canvas] = []
    for length in LINE:
        token_ids = np.concatenate([known[:half], np.zeros(length, np.int32), known[half:]])
        clamped = np.ones(len(token_ids), np.bool_)
        clamped[half : half + length] = False
        rows.append(Canvas(token_ids=token_ids, clamped=clamped, keep_start=np.zeros_like(clamped)))
    return rows


def random_ids(count: int, vocabulary: int, seed: int = 0) -> TokenIds:
    """Token ids, evenly drawn."""
    return np.random.default_rng(seed).integers(0, vocabulary, count).astype(np.int32)


def measure(
    paths: Mapping[str, Denoiser],
    roofline: Roofline,
    rate: float,
    *,
    names: Sequence[str],
    contexts: Sequence[int],
    steps: int = 4,
    repeats: int = 5,
) -> Iterator[Row]:
    """Every path at every canvas and context. rate: bytes a second of the memory."""
    for context in contexts:
        for name in names:
            for path, denoiser in paths.items():
                rows = canvases(name, denoiser.vocabulary_size)
                prompt = random_ids(context, denoiser.vocabulary_size, seed=1)
                # A line takes one step, which also reads its surroundings.
                own_steps = 1 if name == "line" else steps
                tokens = sum(row.free_count for row in rows) + (_AROUND if name == "line" else 0)
                moved = roofline.step_bytes(tokens, context, mixed=own_steps > 1)
                first, later = step_times(denoiser, prompt, rows, steps=own_steps, repeats=repeats)
                yield _row(path, name, context, tokens, (first, later), moved, rate)


def _row(path: str, canvas: str, context: int, tokens: int, times: Times, moved: int, rate: float) -> Row:
    first, later = times
    return Row(
        path=path,
        canvas=canvas,
        context=context,
        tokens=tokens,
        first=1_000 * first,
        later=1_000 * later,
        floor=1_000 * moved / rate,
        gb_s=moved / later / 1e9,
    )


def recorded(reference: ReferenceDenoiser) -> CudaDenoiser:
    """The fast path over the same weights."""
    fast = CudaDenoiser(reference.backbone, context_tokens=reference.max_context_tokens)
    fast.record()
    return fast


def main() -> None:
    options = _arguments()
    device = find_device(options.device)
    dtype = compute_dtype(device)
    if options.random:
        config, scheme = configuration(), options.random
        reference = random_denoiser(config, scheme, device, dtype, context_tokens=max(options.contexts))
    else:
        config, scheme = model_config(options.checkpoint), options.scheme
        reference = load(options.checkpoint, device=device, scheme=scheme, context_tokens=max(options.contexts))
    roofline, rate = Roofline.of(config, scheme, dtype), copy_rate(device)
    paths: dict[str, Denoiser] = {"reference": reference, "fast": recorded(reference)}
    rows = list(_printed(measure(paths, roofline, rate, names=options.canvases, contexts=options.contexts), options))
    left_out = {name: _why_not(name, scheme, random=options.random is not None) for name in LOOPS}
    if any(reason is None for reason in left_out.values()):
        rows += list(_printed(_others(options, config, roofline, rate, device, dtype), options))
    left_out = {name: reason for name, reason in left_out.items() if reason}
    if not options.json:
        for name, reason in left_out.items():
            print(f"{name:13} left out: {reason}")
    if options.plot:
        plot(rows, options.plot)
    if options.json:
        report = {"machine": machine(str(device)), "scheme": scheme, "copy_gb_s": rate / 1e9}
        print(json.dumps(report | {"rows": [asdict(row) for row in rows], "left_out": left_out}))


def _why_not(loop: str, scheme: Scheme, *, random: bool) -> str | None:
    """Why another project's loop is not measured; None where it is."""
    if random:
        return "it needs a checkpoint"
    return missing(loop) if scheme == "none" else "it cannot compute with packed weights"


def _others(
    options: argparse.Namespace,
    config: DiffusionGemmaConfig,
    roofline: Roofline,
    rate: float,
    device: torch.device,
    dtype: torch.dtype,
) -> Iterator[Row]:
    """The other loops that are installed, on the same checkpoint. A first step is not told apart from the prefill."""
    model = DiffusionGemmaForBlockDiffusion.from_pretrained(options.checkpoint, dtype=dtype)
    torch.nn.Module.to(model, device).eval()
    vocabulary = int(config.get_text_config().vocab_size)
    lengths = [name for name in options.canvases if name != "line"]
    loops = [name for name in LOOPS if missing(name) is None]
    for context, name, loop in product(options.contexts, lengths, loops):
        seconds = LOOPS[loop](model, random_ids(context, vocabulary, seed=1), int(name))
        moved = roofline.step_bytes(int(name), context, mixed=True)
        yield _row(loop, name, context, int(name), (seconds, seconds), moved, rate)


def _printed(rows: Iterator[Row], options: argparse.Namespace) -> Iterator[Row]:
    """The rows, each printed as it comes where a table is wanted."""
    for row in rows:
        if not options.json:
            print(
                f"{row.path:13} canvas {row.canvas:>5} ({row.tokens:3} tokens)  context {row.context:6}  "
                f"first {row.first:8.2f}  later {row.later:8.2f}  floor {row.floor:6.2f} ms  {row.gb_s:7.1f} GB/s",
                flush=True,
            )
        yield row


def plot(rows: Sequence[Row], path: Path) -> None:
    """Draws milliseconds a step over tokens, a line a path and context, above the floor."""
    # Imported here because it is slow, and few need it.
    from matplotlib.figure import Figure

    axes: Any = Figure(figsize=(7, 4), layout="constrained").subplots()
    key: Callable[[Row], tuple[str, int]] = lambda row: (row.path, row.context)  # noqa: E731
    for name, context in dict.fromkeys(map(key, rows)):
        own = sorted((row for row in rows if key(row) == (name, context)), key=lambda row: row.tokens)
        axes.plot(
            [row.tokens for row in own], [row.later for row in own], "o-", label=f"{name}, {context:,} of context"
        )
    for context in dict.fromkeys(row.context for row in rows):
        own = sorted({(row.tokens, row.floor) for row in rows if row.context == context})
        axes.plot(*zip(*own, strict=True), "k:", label=f"floor, {context:,} of context")
    axes.set(xlabel="tokens computed", ylabel="ms a step", yscale="log")
    axes.legend()
    axes.figure.savefig(path)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.engine", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checkpoint", type=Path, default=DIRECTORY, metavar="DIR", help="(default: nano)")
    parser.add_argument("--random", choices=SCHEMES, help="the real model's size instead, in a scheme")
    parser.add_argument("--scheme", choices=SCHEMES, default="none", help="how the checkpoint is held (default: none)")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--canvases", nargs="+", default=["line", "16", "64", "256"], metavar="N")
    parser.add_argument("--contexts", nargs="+", type=int, default=[1024, 8192], metavar="N")
    parser.add_argument("--plot", type=Path, metavar="FILE")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser.parse_args()


if __name__ == "__main__":
    main()
