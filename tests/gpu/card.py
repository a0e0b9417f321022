"""A GPU that computes nothing: torch's `meta` device with its operations counted, at any size and on any machine.

Whatever lies on `meta` stands for what would lie on a card. Shapes are real and values are not: what comes back from
the card is zero. One operation counts as one kernel, and its bytes are what a kernel of its kind has to read and write.
"""

# torch annotates itself in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportPrivateUsage=false

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter
from typing_extensions import TypeIs

DEVICE = torch.device("meta")

_ROOT = Path(__file__).parents[2]
_ROOMS = tuple(str(_ROOT / room) + "/" for room in ("engine", "infill", "dgemma_lsp"))

_ONE_KERNEL = {"aten::linear", "aten::rms_norm", "aten::scaled_dot_product_attention", "aten::layer_norm"}
"""Composite operations that a card runs as one kernel; others are counted by what they are made of."""

_NO_KERNEL = {"aten::empty", "aten::empty_like", "aten::empty_strided", "aten::new_empty", "aten::lift_fresh"}

_TELLS_THE_HOST = {"aten::_local_scalar_dense", "aten::equal", "aten::is_nonzero"}
"""Operations whose result is a number that the host reads."""

_SHAPED_BY_VALUES = {"aten::nonzero", "aten::masked_select", "aten::bincount", "aten::_unique2"}
"""Operations whose result has a shape that only the device knows, so that the host waits for it."""

_READS_A_PART = {"aten::index", "aten::index_select", "aten::gather", "aten::embedding"}
_WRITES_A_PART = {"aten::index_put_", "aten::index_add_", "aten::index_copy_", "aten::scatter", "aten::scatter_"}
_OVERWRITES = {"aten::copy_", "aten::zero_", "aten::fill_"}


class MixedDevicesError(AssertionError):
    """An operation got tensors of the card and of the host."""


@dataclass(slots=True)
class Tally:
    """What a piece of work asked of the card.

    launches: kernels, by operation. waits, uploads: how often the host waited for the card, and gave it something, by
    the line of ours that made it. bytes: read and written by kernels.
    """

    launches: Counter[str] = field(default_factory=Counter[str])
    waits: Counter[str] = field(default_factory=Counter[str])
    uploads: Counter[str] = field(default_factory=Counter[str])
    bytes: int = 0


class Card(TorchDispatchMode):
    """Counts in `tally` while it is entered, and refuses what a card would refuse.

    Raises:
        MixedDevicesError: an operation got tensors of the card and of the host.
    """

    def __init__(self) -> None:
        super().__init__()
        self.tally = Tally()

    def take(self) -> Tally:
        """What was counted since the last call."""
        tally, self.tally = self.tally, Tally()
        return tally

    def __torch_dispatch__(
        self,
        func: Any,  # noqa: ANN401 - torch's own operator type is private.
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> object:
        options = dict(kwargs or {})
        name = func.name().partition(".")[0]
        given = [tensor for tensor in tree_iter((args, options)) if _is_tensor(tensor)]
        ours = [tensor for tensor in given if tensor.device == DEVICE]
        if name not in _ONE_KERNEL and _is_composite(func):
            with self:
                return func.decompose(*args, **options)
        if not ours and options.get("device") != DEVICE:
            return func(*args, **options)
        self._check_devices(name, args, given)
        if name in _TELLS_THE_HOST or name in _SHAPED_BY_VALUES or _picks_by_flags(name, given):
            self.tally.waits[f"{name} {_place()}"] += 1
        if name in _TELLS_THE_HOST:
            return ours[0].dtype.is_floating_point and 0.0
        if name == "aten::_to_copy" and options.get("device", DEVICE) != DEVICE:
            self.tally.waits[f"copy {_place()}"] += 1
            return torch.zeros(ours[0].shape, dtype=options.get("dtype") or ours[0].dtype)
        made = func(*args, **options)
        if not func.is_view and name not in _NO_KERNEL and "inplace_view" not in {tag.name for tag in func.tags}:
            self.tally.launches[name] += 1
            self.tally.bytes += _bytes(name, args, given, [tensor for tensor in tree_iter(made) if _is_tensor(tensor)])
        return made

    def _check_devices(self, name: str, args: Sequence[Any], given: Sequence[Tensor]) -> None:
        theirs = [tensor for tensor in given if tensor.device != DEVICE and tensor.dim()]
        if not theirs:
            return
        if name in ("aten::_to_copy", "aten::copy_"):
            self.tally.uploads[_place()] += 1
        elif name in ("aten::index", "aten::index_put_") and args[0].device == DEVICE:
            # torch takes indices from the host, and copies them over each time.
            self.tally.uploads[_place()] += len(theirs)
        else:
            raise MixedDevicesError(f"{name} at {_place()} mixes {sorted({str(tensor.device) for tensor in given})}")


def _is_composite(func: Any) -> bool:  # noqa: ANN401 - torch's own operator type is private.
    return torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd")


def _picks_by_flags(name: str, given: Sequence[Tensor]) -> bool:
    """Whether an operation indexes by booleans, so that the device counts them before the host can go on."""
    return name in ("aten::index", "aten::index_put_") and any(tensor.dtype == torch.bool for tensor in given[1:])


def _bytes(name: str, args: Sequence[Any], given: Sequence[Tensor], made: Sequence[Tensor]) -> int:
    """What a kernel reads and writes. Of what it picks from or puts into, only that part."""
    written = [tensor for tensor in made if not any(tensor is own for own in given)]
    changed = [tensor for tensor in made if any(tensor is own for own in given)]
    read = [tensor for tensor in given if tensor.device == DEVICE]
    if name in _READS_A_PART:
        read = read[1:] + written
    elif name in _WRITES_A_PART:
        rest = read[1:]
        return sum(map(_extent, rest)) + 2 * max(map(_extent, rest), default=0)
    elif name in _OVERWRITES:
        read = [tensor for tensor in read if tensor is not args[0]]
    return sum(map(_extent, [*read, *written, *changed]))


def _extent(tensor: Tensor) -> int:
    """Bytes of a tensor's distinct elements: an expanded one repeats them."""
    count = 1
    for size, stride in zip(tensor.shape, tensor.stride(), strict=True):
        count *= size if stride else min(size, 1)
    return count * tensor.element_size()


def _place() -> str:
    """The line of ours that is at work."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and not frame.f_code.co_filename.startswith(_ROOMS):
        frame = frame.f_back
    if frame is None:
        return "a test"
    return f"{frame.f_code.co_filename.removeprefix(f'{_ROOT}/')}:{frame.f_code.co_name}"


def _is_tensor(value: object) -> TypeIs[Tensor]:
    return isinstance(value, Tensor)
