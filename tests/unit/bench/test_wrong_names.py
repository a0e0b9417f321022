"""Lines with a wrong name in them."""

from __future__ import annotations

import re

from bench.cases import TUNING, Case, load
from bench.methods import request_of
from bench.wrong_names import wrong_names
from infill.request import Span

TEXT = "total = 1\nother = 2\nprint(total + total)\n"
CASE = Case(name="single/0", path="a.py", text=TEXT, hole=Span(start=20, end=40), mode="line")


def test_one_name_is_another_of_the_text_and_the_truth_stays() -> None:
    (case,) = wrong_names([CASE])
    assert case.draft in {"print(other + total)", "print(total + other)"}
    assert case.truth == "print(total + total)"
    request = request_of(case)
    assert request.middles == (case.draft,)
    assert request.prefix + case.truth + request.suffix == TEXT


def test_a_line_without_names_is_left_out() -> None:
    nothing = Case(name="single/1", path="a.py", text="x = 1\nreturn\n", hole=Span(start=6, end=12), mode="line")
    assert not list(wrong_names([nothing]))


def test_tuning_lines_differ_in_one_word() -> None:
    for case in wrong_names(load("single", own=TUNING)):
        truth, draft = (re.split(r"(\w+)", text) for text in (case.truth, case.draft))
        assert sum(word != other for word, other in zip(truth, draft, strict=True)) == 1
