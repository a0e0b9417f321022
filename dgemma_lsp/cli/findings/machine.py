"""What `doctor` finds out about the machine: its devices, what fits them, the checkpoint and the quantized weights.

A place above the engine that loads it: it looks at what the host would use.
"""

from __future__ import annotations

import importlib
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator

from dgemma_lsp.checkpoints.load_meter import GB
from dgemma_lsp.checkpoints.prepare import plan_for
from dgemma_lsp.checkpoints.resolve import EMBEDDED, Checkpoint, is_repository, resolve
from dgemma_lsp.cli.findings.finding import Finding
from dgemma_lsp.wire.identity import EngineOptions
from engine.errors import EngineError

NVIDIA_TIMEOUT_S = 10.0
PLATFORM = sys.platform

PLATFORMS = {
    "darwin": "macOS: runs on the CPU, where only the embedded checkpoint is quick enough; Apple's GPU is not used",
    "win32": "Windows: not tested; inside WSL 2 it is the Linux that is tested",
}
ROCM = "PyTorch is built for ROCm: AMD's cards answer to the device cuda, which is not tested"


def examine_machine(options: EngineOptions) -> Iterator[Finding]:
    """The findings, in the order in which each needs the one before it."""
    if PLATFORM in PLATFORMS:
        yield Finding(name="platform", verdict="note", detail=PLATFORMS[PLATFORM])
    else:
        yield Finding(name="platform", verdict="ok", detail=f"{platform.system()} {platform.machine()}")
    try:
        importlib.import_module("torch")
    except (ImportError, OSError) as error:
        yield Finding(name="device", verdict="problem", detail=str(error), remedy="install PyTorch again")
        return
    from engine.placement.faults import translated

    try:
        with translated():
            yield from _devices(options)
            yield from _kernels(options)
    except EngineError as error:
        yield Finding(name="device", verdict="problem", detail=str(error))
    found = _checkpoint(options)
    yield found
    if found.verdict == "ok":
        yield _fit(options, resolve(options.checkpoint))
    yield from _caches()


def _devices(options: EngineOptions) -> Iterator[Finding]:
    import torch

    from engine.placement.devices import is_built_for

    driver = _nvidia_driver()
    if torch.version.hip:
        yield Finding(name="ROCm", verdict="note", detail=ROCM)
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            free, total = torch.cuda.mem_get_info(index)
            major, minor = torch.cuda.get_device_capability(index)
            detail = (
                f"{torch.cuda.get_device_name(index)}, {free / GB:.1f} of {total / GB:.1f} GB free, "
                f"compute capability {major}.{minor}, driver {driver or 'unknown'}"
            )
            if is_built_for(index):
                yield Finding(name=f"GPU {index}", verdict="ok", detail=detail)
            else:
                detail += "; older than what this PyTorch is built for"
                remedy = "install a PyTorch that is, see pytorch.org, or use another device"
                yield Finding(name=f"GPU {index}", verdict="note", detail=detail, remedy=remedy)
        return
    detail = "CPU; PyTorch sees no GPU, and only the embedded checkpoint is quick enough without one"
    remedy = ""
    if driver is not None:
        built = f"is built for CUDA {torch.version.cuda}" if torch.version.cuda else "is built without CUDA"
        detail = f"PyTorch {torch.__version__} {built} and sees no GPU, though there is a driver, {driver}"
        remedy = "install the build of PyTorch for your driver, see pytorch.org, or restart the machine after an update"
    elif options.device == "cuda":
        remedy = "install the card's driver and a PyTorch built for CUDA, or use --device auto"
    yield Finding(
        name="device", verdict="problem" if options.device == "cuda" else "note", detail=detail, remedy=remedy
    )


def _kernels(options: EngineOptions) -> Iterator[Finding]:
    """Whether Triton works on the card that would be used."""
    from engine.placement.devices import find_device
    from engine.quant.packed_product import kernel_fault

    try:
        device = find_device(options.device, options.gpu)
    except EngineError:
        return  # What would fit says so.
    if device.type == "cuda" and (fault := kernel_fault(device)):
        yield Finding(
            name="Triton",
            verdict="note",
            detail=f"{fault}; without it everything works, several times slower",
            remedy="install a C compiler and Python's headers, on Debian and Ubuntu gcc and python3-dev",
        )


def _nvidia_driver() -> str | None:
    """The version of NVIDIA's driver, None where there is none."""
    path = shutil.which("nvidia-smi")
    if path is None:
        return None
    try:
        run = subprocess.run(  # noqa: S603 - the driver's own tool
            [path, "--query-gpu=driver_version", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=NVIDIA_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return run.stdout.splitlines()[0].strip() if run.returncode == 0 and run.stdout.strip() else None


def _checkpoint(options: EngineOptions) -> Finding:
    from engine.checkpoint.files import stored_tensors
    from engine.weights.verify import verify

    try:
        checkpoint = resolve(options.checkpoint)
    except EngineError as error:
        remedy = "" if is_repository(options.checkpoint) else "name another --checkpoint"
        return Finding(name="checkpoint", verdict="problem", detail=str(error), remedy=remedy)
    try:
        if not any(checkpoint.directory.glob("*.safetensors")) and _quantized(checkpoint):
            detail = f"{checkpoint.name}, quantized only; the shards were deleted"
            return Finding(name="checkpoint", verdict="ok", detail=detail)
        verify(checkpoint.directory)
        tensors = stored_tensors(checkpoint.directory)
        size = sum(shard.stat().st_size for shard in {tensor.shard for tensor in tensors.values()})
    except EngineError as error:
        return Finding(name="checkpoint", verdict="problem", detail=str(error), remedy="choose another --checkpoint")
    weights = sum(tensor.elements for tensor in tensors.values())
    detail = f"{checkpoint.name}, {weights / 1e6:,.1f} M weights, {size / GB:.2f} GB in {checkpoint.directory}"
    if options.checkpoint == "auto" and checkpoint.name == EMBEDDED:
        detail += "; the embedded checkpoint, because none was pulled"
    return Finding(name="checkpoint", verdict="ok", detail=detail)


def _quantized(checkpoint: Checkpoint) -> bool:
    from engine.quant.scheme import SCHEMES
    from engine.weights.store import cache_root, find

    return any(find(cache_root(), checkpoint.name, scheme) for scheme in SCHEMES)


def _fit(options: EngineOptions, checkpoint: Checkpoint) -> Finding:
    from engine.placement.faults import translated

    try:
        with translated():
            plan, device = plan_for(checkpoint, options)
    except EngineError as error:
        return Finding(
            name="fit", verdict="problem", detail=str(error), remedy="or choose another --device or --quantization"
        )
    budget = plan.budget
    scheme = "unquantized" if plan.scheme == "none" else plan.scheme
    detail = (
        f"{scheme} on {device}: {budget.weights / GB:.1f} GB of weights, {budget.key_values / GB:.1f} for "
        f"{plan.context_tokens:,} tokens of context, {budget.workspace / GB:.1f} to work in, "
        f"{budget.total / GB:.1f} GB in all"
    )
    if plan.offloaded:
        detail += f"; {plan.offloaded} layers' experts, {budget.main_memory / GB:.1f} GB, in main memory, which is slow"
    return Finding(name="fit", verdict="ok", detail=detail)


def _caches() -> Iterator[Finding]:
    from engine.weights.store import cache_root, held

    root = cache_root()
    caches = held(root)
    if not caches:
        yield Finding(name="quantized weights", verdict="ok", detail=f"none in {root}")
    for directory, manifest in caches.items():
        if manifest is None:
            detail, remedy = f"{directory} is not whole", "nothing: the next start that needs it makes it anew"
            yield Finding(name="quantized weights", verdict="note", detail=detail, remedy=remedy)
        else:
            detail = f"{manifest.source} in {manifest.scheme}, {manifest.end / GB:.2f} GB in {directory}"
            yield Finding(name="quantized weights", verdict="ok", detail=detail)
