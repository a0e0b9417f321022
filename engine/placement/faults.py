"""What torch raises when a device fails, told apart and put in words."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import torch

from engine.errors import DeviceLostError, DeviceMemoryError

_SHORT = ("out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
"""Of memory that others than torch's allocator ask for: the driver for a graph, cuBLAS, Triton for a kernel."""

_LOST = ("CUDA error", "CUDA driver error", "cuDNN error", "CUBLAS_STATUS", "Triton Error", "device-side assert")


@contextmanager
def translated() -> Generator[None]:
    """Turn a device's failures inside into errors of ours; everything else passes.

    Raises:
        DeviceMemoryError: its memory ran out.
        DeviceLostError: it failed.
    """
    try:
        yield
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        if isinstance(error, torch.OutOfMemoryError) or any(word in reason for word in _SHORT):
            raise DeviceMemoryError(
                "GPU memory ran out; another program may have taken it. Close that, or lower engine.maxVramGb."
            ) from error
        if isinstance(error, torch.AcceleratorError) or any(word in reason for word in _LOST):
            raise DeviceLostError(f"the GPU failed ({reason}).") from error
        raise
