"""Kernels on a machine without a card: in Triton's interpreter, or by others that compute nothing."""

from __future__ import annotations

import os

import pytest

# Chosen before a kernel is imported.
os.environ.setdefault("TRITON_INTERPRET", "1")


@pytest.fixture
def standing_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels that compute nothing, as the card does."""
    pytest.importorskip("triton", reason="Triton is not installed")
    from tests.gpu.stand_ins import install

    install(monkeypatch)
