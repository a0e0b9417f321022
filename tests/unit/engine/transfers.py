"""What would wait for a device, counted by the tensor methods that are called."""

# torch annotates itself in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

import pytest
import torch


@contextmanager
def waits(monkeypatch: pytest.MonkeyPatch) -> Generator[list[str]]:
    """The tensor methods called meanwhile that would wait for a device."""
    found: list[str] = []
    names = ("cpu", "item", "tolist", "nonzero", "bincount", "__bool__", "__int__", "__float__", "__index__")
    with monkeypatch.context() as patch:
        for name in names:
            method: Callable[..., object] = getattr(torch.Tensor, name)

            def noted(
                *args: object, name: str = name, method: Callable[..., object] = method, **kwargs: object
            ) -> object:
                found.append(name)
                return method(*args, **kwargs)

            patch.setattr(torch.Tensor, name, noted)
        yield found
