"""The machine a figure was measured on, in words for the report."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def machine(device: str) -> str:
    """Processor, the cores this process may use, and the GPU where one is used."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    words = f"{_processor()}, {cores} cores"
    if not device.startswith("cuda"):
        return words
    import torch

    return f"{words}, {torch.cuda.get_device_name(device)}"


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
