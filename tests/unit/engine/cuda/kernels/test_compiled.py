"""The kernels compiled for four generations of cards, without one."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.unit.test_layers import ROOT

pytest.importorskip("triton", reason="Triton is not installed")

SMALLEST_SHARED = 99 * 1024
"""Bytes that a program may have on the cards that give least."""


def test_no_kernel_spills_or_takes_more_shared_memory_than_a_card_has() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    ran = subprocess.run(
        [sys.executable, "-m", "bench.kernels", "--json"],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [json.loads(line) for line in ran.stdout.splitlines()]
    assert {row["generation"] for row in rows} == {86, 89, 90, 120}
    assert [row for row in rows if row["stack"] or row["shared"] > SMALLEST_SHARED or row["registers"] > 255] == []
