"""Line or block, and the lengths to try."""

from __future__ import annotations

import pytest

from infill.length import first_guess, ladder
from infill.mode import resolve_mode
from tests.unit.infill.scripted import Mode, request_of


@pytest.mark.parametrize(
    ("marked", "mode", "resolved"),
    [
        ("x = ⟦⟧ + 1\n", "auto", "line"),
        ("⟦⟧x = 1\n", "auto", "line"),
        ("x = ⟦⟧\n", "auto", "line"),
        ("x = ⟦⟧\r\ny\r\n", "auto", "line"),
        ("    ⟦⟧\n", "auto", "block"),
        ("⟦⟧", "auto", "block"),
        ("def f():⟦⟧\n", "auto", "block"),
        ("f() {⟦⟧", "auto", "block"),
        ("f() {⟦⟧}", "auto", "line"),
        ("x = ⟦1⟧\n", "auto", "line"),
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


@pytest.mark.parametrize("room", [1, 2, 30, 200])
@pytest.mark.parametrize("present", [0, 1, 7, 40])
@pytest.mark.parametrize("mode", ["line", "block"])
def test_lengths_ascend_within_the_room(mode: str, present: int, room: int) -> None:
    lengths = ladder("line" if mode == "line" else "block", present=present, room=room)
    assert lengths == tuple(sorted(set(lengths)))
    assert lengths[0] >= 1
    assert lengths[-1] <= room
    assert not present or min(present, room) in lengths


def test_a_block_is_longer_than_a_line() -> None:
    assert ladder("block", present=0, room=200)[-1] > ladder("line", present=0, room=200)[-1]
    assert first_guess("block", room=200) > first_guess("line", room=200)
    assert first_guess("block", room=4) == 4
