"""Products with packed weights are those with the unpacked ones: by the kernel in Triton's interpreter, and without."""

# torch and Triton annotate themselves in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from torch import Tensor

from engine.quant import packed_product
from engine.quant.formats import Format, Groups, RowInt8
from engine.quant.quantize import automatic_schemes
from tests.gpu.card import DEVICE

SHARED_MEMORY = 99 * 1024
"""Bytes that every supported card gives a block of threads."""


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def expected(rows: Tensor, weight: Tensor, ends: list[int]) -> Tensor:
    parts = [rows[begin:end] @ entry.T for begin, end, entry in zip([0, *ends], ends, weight, strict=False)]
    return torch.cat(parts)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
@pytest.mark.parametrize("bits", [4, 8])
# Tiles of 16, 32 and 64 rows; entries without rows; outputs that fill no block; the real experts' width.
@pytest.mark.parametrize(
    ("ends", "outputs", "inputs"),
    [([5, 5, 20, 37], 96, 128), ([0, 3], 70, 64), ([70, 90, 91], 64, 704), ([130, 300], 33, 192)],
)
def test_the_kernel_multiplies_as_the_unpacked_weight_does(
    ends: list[int], outputs: int, inputs: int, bits: int, dtype: torch.dtype
) -> None:
    pytest.importorskip("triton", reason="Triton is not installed")
    from engine.quant import kernels

    shape = (len(ends), outputs, inputs)
    parts = Groups(bits).pack(random(*shape))
    dense = Groups(bits).unpack(parts, shape, torch.float32)
    rows = random(ends[-1], inputs, seed=1).to(dtype)
    atol, rtol = (1e-3, 1e-5) if dtype == torch.float32 else (0.2, 1e-2)
    many = kernels.packed_product(rows, parts["codes"], parts["scales"], torch.tensor(ends, dtype=torch.int32))
    torch.testing.assert_close(many.float(), expected(rows.float(), dense, ends), atol=atol, rtol=rtol)
    one = kernels.packed_product(rows, parts["codes"][0], parts["scales"][0], None)
    torch.testing.assert_close(one.float(), rows.float() @ dense[0].T, atol=atol, rtol=rtol)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
# Tiles of 16, 32 and 64 rows; shares without lines, and with lines that fill no block.
@pytest.mark.parametrize(
    ("count", "lines", "columns"), [(0, 64, 64), (3, 70, 64), (20, 1000, 192), (37, 2048, 128), (150, 4500, 64)]
)
def test_the_kernel_mixes_as_the_unpacked_weight_does(count: int, lines: int, columns: int, dtype: torch.dtype) -> None:
    pytest.importorskip("triton", reason="Triton is not installed")
    from engine.quant import kernels

    parts = Groups(8).pack(random(lines, columns))
    dense = Groups(8).unpack(parts, (lines, columns), torch.float32)
    rows = random(count, lines, seed=1).softmax(-1).to(dtype)
    mixed = kernels.packed_mixture(rows, parts["codes"], parts["scales"])
    assert mixed.dtype == torch.float32
    atol, rtol = (1e-6, 1e-5) if dtype == torch.float32 else (1e-4, 1e-3)
    torch.testing.assert_close(mixed, rows.float() @ dense, atol=atol, rtol=rtol)
    if count:
        torch.testing.assert_close(kernels.packed_mixture(rows[:1], parts["codes"], parts["scales"])[0], mixed[0])


def test_the_kernels_compile_for_every_supported_card_without_spills() -> None:
    """In a process of its own, because this one interprets kernels."""
    pytest.importorskip("triton", reason="Triton is not installed")
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    command = [sys.executable, "-m", "tests.gpu.compile_kernels"]
    root = Path(__file__).parents[2]
    run = subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True, check=True)
    compiled = json.loads(run.stdout)
    assert len(compiled) == 36
    for kernel in compiled:
        assert kernel["stack"] == 0, kernel
        assert kernel["shared"] <= SHARED_MEMORY, kernel


def test_int8_is_unpacked_to_its_own_codes_times_their_scales() -> None:
    weight = random(3, 8, 64)
    parts = RowInt8().pack(weight)
    exact = parts["codes"].float() * parts["scales"][..., None] / 127
    torch.testing.assert_close(RowInt8().unpack(parts, (3, 8, 64), torch.float32), exact)


@pytest.mark.parametrize(
    ("form", "inputs", "works"), [(Groups(4), 704, True), (Groups(4), 96, False), (RowInt8(), 704, False)]
)
def test_what_the_kernel_takes(monkeypatch: pytest.MonkeyPatch, form: Format, inputs: int, works: bool) -> None:
    def has_one(_device: torch.device) -> bool:
        return True

    assert not packed_product.multiplies_packed(form, inputs, torch.device("cpu"))
    monkeypatch.setattr(packed_product, "has_kernel", has_one)
    assert packed_product.multiplies_packed(form, inputs, DEVICE) is works


@pytest.fixture
def current(monkeypatch: pytest.MonkeyPatch) -> list[torch.device]:
    """The cards that are made the current one, each within the one before."""
    cards: list[torch.device] = []

    @contextmanager
    def device(card: torch.device) -> Generator[None]:
        cards.append(card)
        yield
        cards.pop()

    monkeypatch.setattr(torch.cuda, "device", device)
    return cards


@pytest.mark.usefixtures("current")
def test_a_card_without_the_kernel_is_one_warning_and_gets_nf4(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> Iterator[float]:
        raise RuntimeError("no\ncompiler")

    card = torch.device("cuda", 7)
    monkeypatch.setattr(packed_product, "_errors", fail)
    assert automatic_schemes(card) == automatic_schemes(card) == ("none", "nf4", "int4")
    [record] = caplog.records
    fault = "Triton, which needs a C compiler and Python's headers, does not work here (no compiler)"
    assert packed_product.kernel_fault(card) == fault
    assert fault in record.getMessage()


@pytest.mark.usefixtures("current")
def test_a_card_that_is_full_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[float | Exception] = [torch.OutOfMemoryError("CUDA out of memory."), 0.0]

    def tried(_: object) -> Iterator[float]:
        if isinstance(answer := answers.pop(0), Exception):
            raise answer
        yield answer

    card = torch.device("cuda", 3)
    monkeypatch.setattr(packed_product, "_errors", tried)
    with pytest.raises(torch.OutOfMemoryError):
        packed_product.has_kernel(card)
    assert packed_product.has_kernel(card)


@pytest.mark.usefixtures("current")
@pytest.mark.parametrize(("index", "errors"), [(6, [0.5, 0.5]), (5, [0.001, torch.nan, 0.001])])
def test_a_kernel_that_is_wrong_is_not_used(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, index: int, errors: list[float]
) -> None:
    def wrong(_: object) -> Iterator[float]:
        return iter(errors)

    monkeypatch.setattr(packed_product, "_errors", wrong)
    assert not packed_product.has_kernel(torch.device("cuda", index))
    assert "its product by Triton errs by" in caplog.text


def test_the_kernel_is_tried_on_the_card_that_is_meant(
    monkeypatch: pytest.MonkeyPatch, current: list[torch.device]
) -> None:
    """Triton takes the current one, which on a machine with several need not be it."""
    card = torch.device("cuda", 4)

    def exact(_: object) -> Iterator[float]:
        assert current == [card]
        yield 0.0

    monkeypatch.setattr(packed_product, "_errors", exact)
    assert packed_product.kernel_fault(card) is None
