"""What is right and wrong with an answer."""

from __future__ import annotations

import pytest

from bench.cases import Case
from bench.judge import Verdict, joints, judge, repeats
from infill.request import Span
from tests.unit.infill.tiny import tiny_tokens


def case(marked: str) -> Case:
    """A case whose hole is marked ⟦so⟧."""
    before, _, rest = marked.partition("⟦")
    truth, _, after = rest.partition("⟧")
    hole = Span(start=len(before), end=len(before) + len(truth))
    return Case(name="x", path="a.py", text=before + truth + after, hole=hole, mode="auto")


def verdict(marked: str, middle: str | None) -> Verdict:
    return judge(case(marked), middle, tiny_tokens())


def test_the_truth_is_right_and_does_no_damage() -> None:
    right = verdict("x = foo⟦_bar(1⟧)\ny = 2\n", "_bar(1")
    assert (right.exact, right.similarity, right.length_error) == (True, 1.0, 0)
    assert (right.echo, right.broken, right.torn) == (False, False, False)
    assert right.passed is None


def test_nothing_offered_is_wrong_and_does_no_damage() -> None:
    nothing = verdict("x = ⟦1⟧\n", None)
    assert (nothing.exact, nothing.similarity, nothing.length_error) == (False, 0.0, None)
    assert (nothing.echo, nothing.broken, nothing.torn) == (False, False, False)


@pytest.mark.parametrize(
    ("marked", "middle", "broken"),
    [
        ("x = ⟦1⟧\n", "(1", True),
        ("x = ⟦1⟧\n", "2", False),
        # What the true window has as well is no damage.
        ("    return x)\nx = ⟦1⟧\n", "2", False),
        ("    return x)\nx = ⟦1⟧\n", "]2", True),
        # A string that the window begins in turns all of it inside out, and hides what is broken.
        ('of it."""\ny = 2\nx = ⟦1⟧\n\ndef f():\n    """It\'s."""\n', "(1", True),
        # The rest of the line is a comment then, which no grammar minds.
        ("x = ⟦1⟧ + 2\n", "3  #", True),
        ("x = ⟦1  # 2⟧ + 2\n", "3  #", False),
    ],
)
def test_added_syntax_errors(marked: str, middle: str, broken: bool) -> None:
    assert verdict(marked, middle).broken is broken


@pytest.mark.parametrize(
    ("middle", "after", "repeated"),
    [
        ("foo + total", " + total\n", True),
        ("foo", " + total\n", False),
        ("x = 1\nreturn x", "\n\n    return x\n", True),
        ("x = 1\nreturn x, y", "\n    return x\n", False),
        ("a)", ")\n", False),
        ("a", "", False),
    ],
)
def test_echo(middle: str, after: str, repeated: bool) -> None:
    assert repeats(middle, after) is repeated


@pytest.mark.parametrize(
    ("before", "middle", "after", "expected"),
    [
        ("x = fo", "o + ba", "r\n", (True, True)),
        ("x = fo", " + ", "r\n", (False, False)),
        ("fo", "", "o", (True, True)),
        ("", "x", "", (False, False)),
    ],
)
def test_joints(before: str, middle: str, after: str, expected: tuple[bool, bool]) -> None:
    assert joints(before, middle, after) == expected


def test_a_torn_word_is_one_that_the_truth_joins_otherwise() -> None:
    assert verdict("x = fo⟦o + b⟧ar\n", " + b").torn
    assert not verdict("x = fo⟦o + b⟧ar\n", "e + c").torn
