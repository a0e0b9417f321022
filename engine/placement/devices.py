"""Which device a user means, and how much memory it has to give."""

from __future__ import annotations

import psutil
import torch

from engine.errors import EngineError


def find_device(kind: str, gpu: int | None = None) -> torch.device:
    """The device for "auto", "cuda" or "cpu". gpu: which one, where there are several; by default the one with the most
    free memory. "auto" is a CPU only where there is no GPU and none was named.

    Raises:
        EngineError: there is no such device.
    """
    if kind == "cpu" or (kind == "auto" and gpu is None and not torch.cuda.is_available()):
        return torch.device("cpu")
    if kind not in ("auto", "cuda"):
        raise EngineError(f"there is no device {kind!r}; use auto, cuda or cpu.")
    if not torch.cuda.is_available():
        raise EngineError("no usable CUDA device was found; use the device cpu, and see: dgemma-lsp doctor.")
    count = torch.cuda.device_count()
    if gpu is None:
        gpu = max(range(count), key=lambda index: torch.cuda.mem_get_info(index)[0])
    elif gpu >= count:
        raise EngineError(f"there is no GPU {gpu}; the last of those here is {count - 1}.")
    return torch.device("cuda", gpu)


def free_bytes(device: torch.device) -> int:
    """Memory that is free on a device; for a CPU what programs can have without swapping."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else main_memory_bytes()


def main_memory_bytes() -> int:
    """Main memory that programs can have without swapping."""
    return psutil.virtual_memory().available


def device_name(device: torch.device) -> str:
    """For the user to read: `cuda:0 (NVIDIA …)`, or `cpu`."""
    return f"{device} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else device.type


def compute_dtype(device: torch.device) -> torch.dtype:
    """What is computed in by default: a CPU is quickest in float32."""
    return torch.float32 if device.type == "cpu" else torch.bfloat16
