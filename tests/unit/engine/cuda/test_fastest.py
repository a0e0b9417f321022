"""The fast path serves where it agrees with the reference, and where it does not one notice says why."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast
from weakref import ReferenceType, ref

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.canvas import Floats
from engine.cuda import fastest as module
from engine.cuda import kernels, stepper
from engine.cuda.denoiser import CudaDenoiser
from engine.cuda.fastest import checked, fastest
from engine.cuda.programs.attention import PackedAttention
from engine.cuda.rows import HostRow
from engine.errors import DeviceLostError
from engine.model.backbone import Backbone
from engine.reference import ReferenceDenoiser
from tests.unit.engine.cuda.conftest import CONTEXT_TOKENS


@pytest.fixture
def fresh(backbone: Backbone) -> ReferenceDenoiser:
    return ReferenceDenoiser(backbone, context_tokens=CONTEXT_TOKENS)


def test_it_serves_where_it_agrees(fresh: ReferenceDenoiser) -> None:
    told: list[str] = []
    assert isinstance(checked(fresh, told.append), CudaDenoiser)
    assert (told, fresh.pool.held) == ([], 0)


def test_nothing_of_the_reference_is_left_when_graphs_are_recorded(
    fresh: ReferenceDenoiser, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def record(_fast: CudaDenoiser) -> int:
        done.append("recorded")
        return 0

    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: done.append(f"emptied, {fresh.pool.held} tokens held"))
    monkeypatch.setattr(CudaDenoiser, "record", record)
    checked(fresh, lambda _: None)
    assert done == ["emptied, 0 tokens held", "recorded"]


def test_what_is_compared_depends_on_no_draw(fresh: ReferenceDenoiser, monkeypatch: pytest.MonkeyPatch) -> None:
    """A draw falls otherwise by the least rounding, and with it all that follows."""
    compared: list[tuple[Floats, Floats]] = []

    def otherwise(rows: Sequence[HostRow], _step: int) -> NDArray[np.int64]:
        return np.full(sum(len(row.positions) for row in rows), 2**24 - 1)

    def disagreement(found: Any, expected: Any) -> None:  # noqa: ANN401 - the type is the module's own.
        compared.append((found.entropies, expected.entropies))

    monkeypatch.setattr(stepper, "draw_bits", otherwise)
    monkeypatch.setattr(module, "disagreement", disagreement)
    checked(fresh, lambda _: None)
    np.testing.assert_allclose(*compared[0], atol=1e-4)


def test_the_reference_serves_without_a_card_and_with_offloaded_experts(fresh: ReferenceDenoiser) -> None:
    told: list[str] = []
    assert fastest(fresh, offloaded=0, warn=told.append) is fresh
    assert told == []


def test_where_triton_does_not_work_the_reference_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is made on the card: without kernels the fast path is the slower one."""
    on_card: ReferenceDenoiser = cast(Any, SimpleNamespace(backbone=SimpleNamespace(device=torch.device("cuda", 5))))

    def unusable(_device: object) -> bool:
        return False

    def fault(_device: object) -> str:
        return "Triton is not installed"

    monkeypatch.setattr(kernels, "usable", unusable)
    monkeypatch.setattr(module, "kernel_fault", fault)
    told: list[str] = []
    assert fastest(on_card, offloaded=0, warn=told.append) is on_card
    assert told == [
        "The fast path does not serve on this card, because Triton is not installed. Answers are right, and slower."
    ]


def wrong(_self: object, _layer: int, query: Tensor, *_keys: object) -> Tensor:
    return torch.zeros_like(query.transpose(1, 2))


def infinite(_self: object, _layer: int, query: Tensor, *_keys: object) -> Tensor:
    return torch.full_like(query.transpose(1, 2), torch.nan)


def failing(*_given: object) -> Tensor:
    raise RuntimeError("no kernel image is available")


@pytest.mark.parametrize(
    ("attend", "reason"),
    [
        (wrong, "because it reads"),
        (infinite, "because it"),
        (failing, "because it failed: no kernel image is available"),
    ],
)
def test_where_it_is_wrong_or_fails_the_reference_serves(
    fresh: ReferenceDenoiser, monkeypatch: pytest.MonkeyPatch, attend: object, reason: str
) -> None:
    monkeypatch.setattr(PackedAttention, "attend", attend)
    told: list[str] = []
    made: list[ReferenceType[CudaDenoiser]] = []
    init = CudaDenoiser.__init__

    def noted(fast: CudaDenoiser, backbone: Backbone, *, context_tokens: int) -> None:
        made.append(ref(fast))
        init(fast, backbone, context_tokens=context_tokens)

    monkeypatch.setattr(CudaDenoiser, "__init__", noted)
    gc.disable()
    try:
        assert checked(fresh, told.append) is fresh
        # Its memory can be had.
        assert [fast() for fast in made] == [None]
    finally:
        gc.enable()
    assert len(told) == 1
    assert reason in told[0]


def test_a_card_that_fails_in_it_is_told_how_to_do_without(
    fresh: ReferenceDenoiser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This process has lost the card, and the next would try the same."""

    def fatal(*_given: object) -> Tensor:
        raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered\nlong advice")

    monkeypatch.setattr(PackedAttention, "attend", fatal)
    with pytest.raises(
        DeviceLostError, match=r"fast path \(CUDA error: an illegal.* encountered\).*pip uninstall triton"
    ):
        checked(fresh, lambda _: None)
