"""How much of a candidate is shown where nobody asked for it."""

from __future__ import annotations

import pytest

from infill.judge.flaws import FlawCheck, Flaws
from infill.judge.gate import Insertion, admitted, ends_only_identifier, leaves_open
from infill.profile import Gate
from infill.request import Confidence, Rejection, RejectReason
from infill.task import Proposal, Scored
from tests.unit.infill.scripted import filled, request_of

LINES = "\n    return 1\n    pass"


def insertion_between(before: str, after: str, language: str = "python") -> Insertion:
    check = FlawCheck(around=(before, after), middles=("",), language=language)
    return Insertion(before=before, after=after, check=check)


PLACE = insertion_between("def f():", "\n")


def scored(text: str, *line_nll: float) -> Scored:
    """Of as many lines as there are log-probabilities."""
    proposal = Proposal(texts=(text,), token_ids=(), source="denoise")
    return Scored(proposal=proposal, log_prob=0.0, line_nll=line_nll, flaws=Flaws)


@pytest.mark.parametrize(
    ("second", "first", "added_errors", "insertion", "text", "reason"),
    [
        (0.5, 0.4, 0, PLACE, LINES, None),
        (1.5, 0.4, 0, PLACE, "\n    return 1", None),
        (1.5, 0.4, 0, None, None, "low_confidence"),
        (1.5, 1.2, 0, PLACE, None, "low_confidence"),
        (0.5, 0.4, 1, PLACE, None, "breaks_syntax"),
    ],
)
def test_all_of_it_its_first_line_or_nothing(
    second: float,
    first: float,
    added_errors: int,
    insertion: Insertion | None,
    text: str | None,
    reason: RejectReason | None,
) -> None:
    shown = admitted(scored(LINES, 0, first, second), 1.0, added_errors=added_errors, insertion=insertion)
    if reason is not None:
        assert shown == Rejection(reason=reason)
        return
    assert isinstance(shown, Scored)
    assert shown.texts == (text,)
    assert max(shown.line_nll) <= 1.0


@pytest.mark.parametrize(
    ("before", "text", "after", "language", "expected"),
    [
        # What is cut is judged again.
        ("interface K {\n    ", "/**\n     * The key.\n     */", "\n}\n", "typescript", "breaks_syntax"),
        ("f(a) {", "\n  return a === 1 ||\n    a === 2;", "\n}\n", "javascript", "breaks_syntax"),
        ("if a:\n    b()\n", "else:\n    c()", "\n", "python", "breaks_syntax"),
        ("b()\n", 'x = """One\ntwo"""', "\n", "python", "breaks_syntax"),
        ("b()\n", "b()\nc()", "\n", "python", "repeats_code"),
        ("a()\n", "b()\nc()", "\n", "python", "b()"),
        # What goes over several lines before the rest of its line is never cut.
        ("f(", "a,\n  b", ")\n", "python", "low_confidence"),
    ],
)
def test_a_first_line_has_to_do_without_the_rest(
    before: str, text: str, after: str, language: str, expected: str
) -> None:
    line_nll = [0.1] * text.count("\n") + [9.0]
    place = insertion_between(before, after, language)
    shown = admitted(scored(text, *line_nll), 1.0, added_errors=0, insertion=place)
    assert (shown.reason if isinstance(shown, Rejection) else shown.texts[0]) == expected


@pytest.mark.parametrize(
    ("before", "text", "after", "expected"),
    [
        ("def split_chunks(): ...\nx = spl", "it_chunks", "\n", "it_chunks"),
        ("def sections(): ...\nfor sec", "tions", "\n", "breaks_syntax"),
        ("def sections(): ...\nx = (sec", "tions", ")\n", "tions"),
        ("import collections\nimport col", "lections", "\n", "repeats_code"),
        ("spline = split_chunks()\nx = spl", "it_chunks", "\n", "low_confidence"),
    ],
)
def test_the_rest_of_the_only_identifier_is_shown_however_unlikely(
    before: str, text: str, after: str, expected: str
) -> None:
    place = insertion_between(before, after)
    shown = admitted(scored(text, 9.0), 1.0, added_errors=int(before.endswith("for sec")), insertion=place)
    assert (shown.reason if isinstance(shown, Rejection) else shown.texts[0]) == expected


@pytest.mark.parametrize(
    ("confidence", "max_line_nll", "nats"),
    [(None, None, None), ("shy", None, 1.0), ("normal", None, 2.0), ("bold", None, 3.0), ("bold", 0.5, 0.5)],
)
def test_a_preset_means_what_the_profile_says_and_nats_outweigh_it(
    confidence: Confidence | None, max_line_nll: float | None, nats: float | None
) -> None:
    request = request_of("x = ⟦⟧\n", confidence=confidence, max_line_nll=max_line_nll)
    assert Gate(shy=1.0, normal=2.0, bold=3.0).max_line_nll(request) == nats


@pytest.mark.parametrize(("answer", "reason"), [("foo", "low_confidence"), (")foo", "breaks_syntax")])
def test_a_request_that_nobody_made_may_be_answered_with_silence(answer: str, reason: RejectReason) -> None:
    shown = filled(request_of("x = ⟦⟧\nfoo(2)\n"), answer)
    assert shown.candidates[0].texts == (answer,)
    max_line_nll = 0.0 if reason == "low_confidence" else 9.0
    silent = filled(request_of("x = ⟦⟧\nfoo(2)\n", max_line_nll=max_line_nll), answer)
    assert silent.candidates == ()
    assert silent.rejection == Rejection(reason=reason)


def test_what_is_asked_for_is_offered_though_it_would_not_be_shown_unasked() -> None:
    again = "foo(1)\n⟦⟧\n"
    assert filled(request_of(again), "foo(1)").candidates[0].texts == ("foo(1)",)
    silent = filled(request_of(again, confidence="bold"), "foo(1)")
    assert "foo(1)" not in [text for candidate in silent.candidates for text in candidate.texts]


def test_what_the_menu_shows_is_not_offered_again() -> None:
    menu = "foo.⟦b⟧\n"
    assert filled(request_of(menu, must_start_with="bar", confidence="bold"), "").candidates == ()


@pytest.mark.parametrize("call", ["foo(1)", "foo(1, 2, 3, 4, 5, 6, 7, 8, 9, total, count)"])
def test_what_stands_elsewhere_is_not_doubted_for_being_long(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.unit.infill.scripted._RIGHT", -2.0)
    document = f"self.total = {call}\nself.count = 2\nself.total = ⟦⟧\nself.count = 2\n"
    assert filled(request_of(document, max_line_nll=2.5), "bar").candidates[0].texts == (call,)


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("def split_chunks(): ...\nx = spl⟦it_chunks⟧\n", True),
        ("x = spl⟦it_chunks⟧\n\nsplit_chunks()\n", True),
        ("def split_chunks(): ...\nx = sp⟦lit_chunks⟧\n", False),
        ("def split_chunks(): ...\nx = spl⟦it_chunks()⟧\n", False),
        ("def split_chunks(): ...\nx = spl⟦it⟧\n", False),
        ("split_chunks = split_lines\nx = spl⟦it_chunks⟧\n", False),
        ("def split_chunks(): ...\nx = ⟦split_chunks⟧\n", False),
        ("def split_chunks(split): ...\nx = split⟦_chunks⟧\n", False),
        ("def within(): ...\nwith⟦in⟧\n", False),
        ("x1 = 1000\ny = 100⟦0⟧\n", False),
    ],
)
def test_the_rest_of_the_only_identifier_that_begins_so(marked: str, expected: bool) -> None:
    before, _, rest = marked.partition("⟦")
    text, _, after = rest.partition("⟧")
    assert ends_only_identifier(text, before, after, "python") is expected


@pytest.mark.parametrize(
    ("line", "rest", "expected"),
    [
        ("    /**", "     * The key.\n     */", True),
        ("/* The key", "of it */", True),
        ("/* The key */", "x = 1;", False),
        ("    return value === true ||", "      value === false;", True),
        ("    total = a +", "    b", True),
        ("    else:", "        pass", True),
        ("    else:", "\n", True),
        ("if (a) {", "}", True),
        ("f(a,", "b)", True),
        ("f(a", ")", True),
        ('"""Docstring', 'of two lines."""', True),
        ('"""Docstring."""', "x = 1", False),
        ("    return 1", "", False),
        ("    return 1", "    pass", False),
        ("    return 1;", "}", False),
        ("\treturn 1", "\n\n\tx := 2", False),
        ("\treturn 1", "\n\n\t\tx := 2", True),
    ],
)
def test_a_line_that_needs_the_next_is_left_open(line: str, rest: str, expected: bool) -> None:
    assert leaves_open(line, rest) is expected
