"""The parts of the methods compared with ours that need no model."""

from __future__ import annotations

import pytest

from bench.cal import Bias, climb
from bench.methods import with_known_length
from bench.stock import cut_middle
from tests.unit.infill.scripted import PROFILE, request_of, run, scripted


@pytest.mark.parametrize(
    ("answer", "before", "after", "line", "middle"),
    [
        ("1\n```\nDone.", "x = ", "\ny = 2\n", True, "1"),
        # The line under way, or lines before it, are told again.
        ("x = 1\n```", "x = ", "\ny = 2\n", True, "1"),
        ("def f():\n    return 1\n```", "def f():\n    ", "\n", True, "return 1"),
        # The text after the hole is told again.
        ("1, 2)\ny = 2\n", "f(", ")\ny = 2\n", True, "1, 2"),
        ("1, 2)", "f(", ")", True, "1, 2"),
        ("    x = 1\n    return x\ny = 2\n", "def f():\n", "\ny = 2\n", False, "    x = 1\n    return x"),
        ("", "x = ", "\n", True, ""),
    ],
)
def test_the_middle_is_cut_out_of_an_answer(answer: str, before: str, after: str, line: bool, middle: str) -> None:
    assert cut_middle(answer, before, after, "```", line=line) == middle


def test_a_bias_is_read_off_between_the_lengths_measured() -> None:
    bias = Bias.fit([{1: 1.0, 4: 0.6}, {1: 0.8, 4: 0.2}])
    assert bias.at(1) == pytest.approx(0.9)
    assert bias.at(4) == bias.at(64) == pytest.approx(0.4)
    assert bias.at(2) == pytest.approx(0.65)


@pytest.mark.parametrize(("peak", "most"), [(1, 64), (5, 64), (13, 64), (50, 64), (50, 20)])
def test_a_climb_ends_at_the_peak(peak: int, most: int) -> None:
    looked: list[int] = []

    def confidence(length: int) -> float:
        looked.append(length)
        return 1 / (1 + abs(length - peak))

    assert climb(confidence, Bias({1: 1.0}), start=8, most=most) == min(peak, most)
    assert len(looked) == len(set(looked))
    assert all(1 <= length <= most for length in looked)


def test_a_replaced_text_is_denoised_at_a_length_that_is_known() -> None:
    request = request_of("x = ⟦a⟧\n", instruction="longer", n=2)
    denoiser = scripted(request, ["a + b + c"])
    size = len(denoiser.answers[0])
    run(request, denoiser, profile=with_known_length(PROFILE, size))
    assert [canvas.free_count for canvas in denoiser.canvases] == [size, size]
