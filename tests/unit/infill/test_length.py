"""The lengths to try, and what becomes of them."""

from __future__ import annotations

from typing import get_args

import pytest

from infill.length import Given, Ladder, Lengths
from infill.mode import HoleMode


@pytest.mark.parametrize("room", [1, 2, 30, 200])
@pytest.mark.parametrize("present", [0, 1, 7, 40])
@pytest.mark.parametrize("mode", get_args(HoleMode))
def test_lengths_ascend_within_the_room(mode: HoleMode, present: int, room: int) -> None:
    ladder = Ladder()
    lengths = ladder.first(mode, present=present, room=room)
    assert lengths == tuple(sorted(lengths))
    assert lengths[0] >= 1
    assert lengths[-1] <= room
    assert not present or min(present, room) in lengths


def test_a_length_that_stands_twice_is_tried_twice_and_what_does_not_fit_once() -> None:
    ladder = Ladder(line=(2, 2, 3, 8, 11))
    assert ladder.first("line", present=0, room=40) == (2, 2, 3, 8, 11)
    assert ladder.first("line", present=0, room=8) == (2, 2, 3, 8)
    assert ladder.first("line", present=0, room=5) == (2, 2, 3, 5)


def test_a_block_is_longer_than_a_line() -> None:
    ladder = Ladder()
    assert ladder.first("block", present=0, room=200)[-1] > ladder.first("line", present=0, room=200)[-1]


@pytest.mark.parametrize(("kept", "length"), [(3, 3), (5, 5), (0, 1)])
def test_a_hole_is_cut_to_what_its_reading_keeps(kept: int, length: int) -> None:
    assert Ladder().next(5, kept) == length
    assert Ladder(contracted=False).next(5, kept) == 5


def test_a_given_length_stays() -> None:
    given: Lengths = Given(7)
    assert given.first("line", present=3, room=9) == (7,)
    assert given.first("line", present=3, room=4) == (4,)
    assert given.next(7, 2) == 7
