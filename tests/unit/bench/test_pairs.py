"""Names where they are given and where they are used next."""

from __future__ import annotations

from itertools import islice

import pytest

from bench.cases import OWN_SPLITS, Case, load
from bench.pairs import pairs
from infill.request import Span


def case(text: str) -> Case:
    return Case(name="x", path="a.py", text=text, hole=Span(start=0, end=0), mode="line")


@pytest.mark.parametrize(
    ("text", "blank"),
    [
        ("total = f(1)\nprint(total)\n", " = f(1)\nprint()\n"),
        ("total: int = 1\nx += total\n", ": int = 1\nx += \n"),
        ("def f(a, name=None):\n    return name\n", "def f(a, =None):\n    return \n"),
        # Given earlier, given away by a comment, not given here at all, used too far away.
        ("print(total)\ntotal = 1\nprint(total)\n", None),
        ("total = 1\n# total\nprint(total)\n", None),
        ("print(total, total)\n", None),
        ("if total == 1:\n    print(total)\n", None),
        ("total = 1\n" + "\n" * 400 + "print(total)\n", None),
    ],
)
def test_a_name_given_and_its_next_use(text: str, blank: str | None) -> None:
    found = [pair.blank.text for pair in pairs([case(text)])]
    assert found == ([] if blank is None else [blank])


def test_a_pair_filled_with_its_name_is_its_text() -> None:
    cases = [case for split in OWN_SPLITS for case in load(split)[:40]]
    found = list(islice(pairs(cases), 20))
    assert len(found) == 20
    for pair in found:
        request = pair.blank
        assert pair.name.join([request.prefix, *request.segments, request.suffix]) == pair.text
