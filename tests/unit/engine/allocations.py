"""What an operation allocates, counted tensor by tensor."""

# torch annotates itself in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportPrivateUsage=false

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter
from typing_extensions import TypeIs


class Allocations(TorchDispatchMode):
    """Bytes of the tensors made while it is entered: held now, and the most at any time since `begin`.

    A view counts as nothing, and what an operator takes and gives back inside is not seen.
    """

    def __init__(self) -> None:
        super().__init__()
        self.held = self.peak = 0
        self._sizes: dict[int, int] = {}

    def begin(self) -> int:
        """What is held now, from which the peak starts anew."""
        self.peak = self.held
        return self.held

    def __torch_dispatch__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: Sequence[object] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> object:
        given = {_number(tensor.untyped_storage()) for tensor in tree_iter((args, kwargs)) if _is_tensor(tensor)}
        made = func(*args, **(kwargs or {}))
        for tensor in tree_iter(made):
            if _is_tensor(tensor) and _number(tensor.untyped_storage()) not in given:
                self._count(tensor.untyped_storage())
        return made

    def _count(self, storage: torch.UntypedStorage) -> None:
        address = _number(storage)
        if address not in self._sizes:
            self._sizes[address] = storage.nbytes()
            self.held += storage.nbytes()
            self.peak = max(self.peak, self.held)
            weakref.finalize(storage, self._let_go, address)

    def _let_go(self, address: int) -> None:
        self.held -= self._sizes.pop(address)


def _number(storage: torch.UntypedStorage) -> int:
    """What tells storages apart, also those of a device without memory."""
    return storage._cdata


def _is_tensor(value: object) -> TypeIs[torch.Tensor]:
    return isinstance(value, torch.Tensor)
