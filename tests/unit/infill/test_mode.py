"""Within a line, to its end, or over whole lines."""

from __future__ import annotations

import pytest

from infill.prompt.mode import resolve_mode
from tests.unit.infill.scripted import Mode, request_of


@pytest.mark.parametrize(
    ("marked", "mode", "resolved"),
    [
        ("x = ⟦⟧ + 1\n", "auto", "within"),
        ("⟦⟧x = 1\n", "auto", "within"),
        ("x = ⟦⟧\n", "auto", "line"),
        ("x = ⟦⟧\r\ny\r\n", "auto", "line"),
        ("    ⟦⟧\n", "auto", "block"),
        ("⟦⟧", "auto", "block"),
        ("def f():⟦⟧\n", "auto", "block"),
        ("f() {⟦⟧", "auto", "block"),
        ("f() {⟦⟧}", "auto", "within"),
        ("x = ⟦1⟧\n", "auto", "line"),
        ("x = ⟦⟧ + 1\ny = ⟦⟧\n", "line", "line"),
        ("⟦⟧ = 1\nprint(⟦⟧)\n", "line", "within"),
        ("⟦x = 1\ny = 2⟧\n", "auto", "block"),
        ("x = ⟦⟧ + 1\n\n⟦⟧\n", "auto", "block"),
        ("    ⟦⟧\n", "line", "line"),
        ("x = ⟦⟧ + 1\n", "block", "block"),
    ],
)
def test_mode(marked: str, mode: Mode, resolved: str) -> None:
    assert resolve_mode(request_of(marked, mode=mode)) == resolved


def test_an_instruction_asks_for_a_block() -> None:
    assert resolve_mode(request_of("x = ⟦1⟧\n", instruction="double it")) == "block"
