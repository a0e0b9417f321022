"""One setting changed at a time."""

from __future__ import annotations

import dataclasses

import pytest

from bench.ablation import SPLITS, chosen, row_of, variants_of
from bench.answers import Answer
from bench.judge import Verdict
from engine.nano import DIRECTORY
from infill.profile import profile_for

RIGHT = Verdict(exact=True, similarity=1.0, passed=None, length_error=0, echo=False, broken=False, torn=False)
WRONG = dataclasses.replace(RIGHT, exact=False, similarity=0.5, broken=True)
ANSWER = Answer(middle="a", passes=4, token_positions=100, ms=1.0)


@pytest.mark.parametrize("split", SPLITS)
def test_what_ships_comes_first_and_every_other_variant_differs_from_it_and_from_the_others(split: str) -> None:
    profile = profile_for(DIRECTORY)
    shipped, *others = (change(profile) for change in variants_of(split).values())
    assert shipped == profile
    assert profile not in others
    assert all(others.count(variant) == 1 for variant in others)


@pytest.mark.parametrize("split", SPLITS)
def test_every_variant_can_be_named_in_a_list(split: str) -> None:
    names = list(variants_of(split))
    assert ",".join(names).split(",") == names


def test_variants_are_compared_in_the_order_that_names_them_and_an_unknown_one_is_refused() -> None:
    assert chosen("single", ["one row", "as shipped"]) == ["one row", "as shipped"]
    assert chosen("wrong-names", None) == list(variants_of("wrong-names"))
    with pytest.raises(SystemExit, match="no variant 'one row' on the split wrong-names: choose among as shipped, "):
        chosen("wrong-names", ["one row"])


def test_a_gain_is_against_what_ships() -> None:
    row = row_of("x", "single", [ANSWER] * 4, [RIGHT, RIGHT, WRONG, WRONG], [WRONG] * 4)
    assert (row.n, row.exact_match, row.gain, row.syntax_errors) == (4, 0.5, 0.25, 0.5)
    assert row.low < row.gain < row.high
    same = row_of("y", "single", [ANSWER] * 2, [RIGHT, WRONG], [RIGHT, WRONG])
    assert (same.gain, same.low, same.high) == (0.0, 0.0, 0.0)
