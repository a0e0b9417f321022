"""The lengths to try, and which of them go on."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest

from infill.length import Given, Ladder, Lengths, Move, Sight, fitness


def sight(length: int, entropy: float, *, kept: int | None = None, settled: bool = False) -> Sight:
    return Sight(entropy=np.full(length, entropy, np.float32), kept=kept or length, settled=settled)


def rows(moves: Sequence[Move]) -> list[int]:
    return [move.row for move in moves]


@pytest.mark.parametrize("room", [1, 2, 30, 200])
@pytest.mark.parametrize("present", [0, 1, 7, 40])
@pytest.mark.parametrize("mode", ["line", "block"])
def test_lengths_ascend_within_the_room(mode: str, present: int, room: int) -> None:
    ladder = Ladder()
    lengths = ladder.first("line" if mode == "line" else "block", present=present, room=room)
    assert lengths == tuple(sorted(set(lengths)))
    assert lengths[0] >= 1
    assert lengths[-1] <= room
    assert not present or min(present, room) in lengths


def test_a_block_is_longer_than_a_line() -> None:
    ladder = Ladder()
    assert ladder.first("block", present=0, room=200)[-1] > ladder.first("line", present=0, room=200)[-1]
    assert ladder.guess("block", room=200) > ladder.guess("line", room=200)
    assert ladder.guess("block", room=4) == 4


def test_the_surest_rows_go_on_in_their_order() -> None:
    ladder = Ladder(survivors=(2, 1), corrected=False)
    sights = [sight(3, 2.0), sight(5, 0.5), sight(8, 3.0), sight(12, 1.0)]
    assert rows(ladder.following(1, sights)) == [1, 3]
    assert rows(ladder.following(2, sights)) == [1]
    assert rows(ladder.following(9, sights)) == [1]
    assert rows(ladder.following(1, sights[:1])) == [0]


def test_a_long_hole_is_not_held_to_a_short_ones_sureness() -> None:
    usual = [sight(length, float(np.log(length))) for length in (2, 4, 8, 16)]
    surer = [*usual[:2], sight(8, 1.5), usual[3]]
    assert int(np.argmax(fitness(surer, corrected=True))) == 2
    assert int(np.argmax(fitness(surer, corrected=False))) == 0
    assert fitness(usual, corrected=True) == pytest.approx([0.0] * 4, abs=1e-5)


def test_a_row_whose_seam_fits_goes_on() -> None:
    sights = [
        sight(4, 1.0),
        dataclasses.replace(sight(8, 1.2), seam=-0.1),
        dataclasses.replace(sight(2, 0.9), seam=-3.0),
    ]
    assert rows(Ladder(survivors=(2,), corrected=False).following(1, sights)) == [0, 1]
    assert rows(Ladder(survivors=(2,), corrected=False, seam=0.0).following(1, sights)) == [0, 2]


def test_two_lengths_are_too_few_to_tell_what_is_usual() -> None:
    assert fitness([sight(2, 1.0), sight(2, 3.0), sight(8, 2.0)], corrected=True) == [-1.0, -3.0, -2.0]


@pytest.mark.parametrize(
    ("seen", "cut_to"),
    [
        (sight(5, 1.0, kept=3), 3),
        (sight(5, 1.0), None),
        (sight(5, 1.0, kept=3, settled=True), None),
    ],
)
def test_a_hole_is_cut_to_what_its_reading_keeps(seen: Sight, cut_to: int | None) -> None:
    assert Ladder().following(1, [seen]) == (Move(0, cut_to),)
    assert Ladder(contracted=False).following(1, [seen]) == (Move(0),)


def test_a_given_length_stays() -> None:
    given: Lengths = Given(7)
    assert given.first("line", present=3, room=9) == (7,)
    assert given.first("line", present=3, room=4) == (4,)
    assert given.guess("block", room=9) == 7
    assert given.following(1, [sight(7, 9.0, kept=2)]) == (Move(0),)
