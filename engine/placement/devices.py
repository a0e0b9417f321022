"""Which device a user means, and how much memory it has to give."""

from __future__ import annotations

import re

import psutil
import torch

from engine.errors import EngineError


def find_device(kind: str, gpu: int | None = None) -> torch.device:
    """The device for "auto", "cuda" or "cpu". gpu: which one, where there are several; by default the one with the most
    free memory. "auto" is a CPU only where there is no GPU that this PyTorch was built for and none was named.

    Raises:
        EngineError: there is no such device.
    """
    if kind == "cpu":
        return torch.device("cpu")
    if kind not in ("auto", "cuda"):
        raise EngineError(f"there is no device {kind!r}; use auto, cuda or cpu.")
    cards = range(torch.cuda.device_count() if torch.cuda.is_available() else 0)
    usable = [index for index in cards if is_built_for(index)]
    if kind == "auto" and gpu is None and not usable:
        return torch.device("cpu")
    if not cards:
        raise EngineError("no usable CUDA device was found; use the device cpu, and see: dgemma-lsp doctor.")
    if gpu is None:
        gpu = max(usable or cards, key=lambda index: torch.cuda.mem_get_info(index)[0])
    if gpu not in cards:
        raise EngineError(f"there is no GPU {gpu}; the last of those here is {cards[-1]}.")
    device = torch.device("cuda", gpu)
    if gpu not in usable:
        raise EngineError(
            f"this PyTorch is not built for a card as old as {device_name(device)}; use the device cpu, or install a "
            "PyTorch that is."
        )
    return device


def is_built_for(index: int) -> bool:
    """Whether this PyTorch has code for a card's generation. It sees older cards, and fails in its first kernel."""
    generations = [int(number) for name in torch.cuda.get_arch_list() for number in re.findall(r"^sm_(\d+)", name)]
    major, minor = torch.cuda.get_device_capability(index)
    return 10 * major + minor >= min(generations, default=0)


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
