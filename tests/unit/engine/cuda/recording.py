"""A graph's recording, on a CPU: every operation with the tensors that it was given, to run again on what they hold by
then. What depends on the values at the time of recording, or on memory that has moved, then shows."""

# torch annotates itself in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

Operation = Callable[..., Any]


class Recording(TorchDispatchMode):
    """Records what runs within it; `replay` writes every result where it was written then."""

    def __init__(self) -> None:
        super().__init__()
        self._calls: list[tuple[Operation, tuple[Any, ...], dict[str, Any], list[Tensor]]] = []

    def __torch_dispatch__(
        self, func: Operation, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:  # noqa: ANN401 - whatever the operation returns.
        given = kwargs or {}
        result = func(*args, **given)
        if str(func) in _WAITS:
            raise AssertionError(f"{func} waits for the device")
        self._calls.append((func, args, given, _tensors(result)))
        return result

    def replay(self) -> None:
        with torch.inference_mode():
            for func, args, kwargs, results in self._calls:
                again = _tensors(func(*args, **kwargs))
                for there, new in zip(results, again, strict=True):
                    if new.data_ptr() != there.data_ptr():
                        there.copy_(new)


_WAITS = ("aten._local_scalar_dense.default", "aten.nonzero.default")


def _tensors(result: object) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
