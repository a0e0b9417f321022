"""Making a checkpoint ready for this machine ahead of the first start: what fits, and the quantized weights on disk.

Beside `dgemma_lsp.resident.model` a place that knows the engine; it loads no model and fills no hole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dgemma_lsp.checkpoints.load_meter import GB, LoadMeter
from dgemma_lsp.checkpoints.resolve import Checkpoint
from dgemma_lsp.wire.identity import EngineOptions

if TYPE_CHECKING:
    import torch

    from engine.placement.budget import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What was made. scheme: "none" where the weights are used as they are. bytes: on disk. worst_error: the largest
    relative error of a packed weight, and which one's it is."""

    scheme: str
    bytes: int
    worst_error: float
    worst_weight: str


def plan_for(checkpoint: Checkpoint, options: EngineOptions) -> tuple[Plan, torch.device]:
    """How the host would hold a checkpoint's weights on this machine, and where.

    Raises:
        DoesNotFitError: it does not fit; the message has the figures.
        EngineError: there is no such device, or the checkpoint's configuration is broken.
    """
    from engine.checkpoint.config import denoise_config, model_config
    from engine.placement.budget import Needs, roomier
    from engine.placement.devices import compute_dtype, device_name, find_device, free_bytes, main_memory_bytes
    from engine.quant.quantize import automatic_schemes
    from engine.weights.load import DEFAULT_CONTEXT_TOKENS
    from infill.profile import profile_for

    device = find_device(options.device, options.gpu)
    on_gpu = device.type == "cuda"
    # Before its free memory is read, since kernels and libraries are loaded for that, and take some.
    schemes = automatic_schemes(device) if options.quantization == "auto" else (options.quantization,)
    free = free_bytes(device)
    if on_gpu and options.max_vram_gb is not None:
        free = min(free, int(options.max_vram_gb * GB))
    profile = profile_for(checkpoint.directory, denoise_config(checkpoint.directory))
    needs = Needs(model_config(checkpoint.directory), compute_dtype(device), profile.largest_request(), on_card=on_gpu)
    plan = needs.plan(
        schemes,
        context_tokens=DEFAULT_CONTEXT_TOKENS,
        free=free,
        main_memory=main_memory_bytes() if on_gpu else None,
        place=device_name(device) if on_gpu else "main memory",
    )
    return roomier(plan, needs, wanted=profile.pool_tokens, free=free), device


def prepare(checkpoint: Checkpoint, options: EngineOptions, report: Callable[[str, float | None], None]) -> Prepared:
    """Quantize a checkpoint as the host would, and keep the result on disk; does nothing that is done already.

    Raises:
        EngineError: it does not fit, is broken, the device fails, or there is no room on the disk.
    """
    from engine.placement.faults import translated
    from engine.weights.load import LoadProgress, fill_cache
    from engine.weights.store import cache_root
    from engine.weights.verify import verify

    meter = LoadMeter(report)

    def show(progress: LoadProgress) -> None:
        meter.show("Quantizing the weights", progress.done, progress.total)

    with translated():
        plan, device = plan_for(checkpoint, options)
        if plan.scheme == "none":
            verify(checkpoint.directory)
            return Prepared(scheme="none", bytes=0, worst_error=0.0, worst_weight="")
        manifest = fill_cache(
            checkpoint.directory,
            device=device,
            scheme=plan.scheme,
            cache=cache_root(),
            source=checkpoint.name,
            progress=show,
        )
    worst = max(manifest.errors, key=manifest.errors.__getitem__)
    return Prepared(scheme=plan.scheme, bytes=manifest.end, worst_error=manifest.errors[worst], worst_weight=worst)
