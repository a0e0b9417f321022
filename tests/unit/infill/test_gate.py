"""What of a candidate is shown where nobody asked for it."""

from __future__ import annotations

import pytest

from infill.candidate import Reading
from infill.gate import admitted
from infill.request import Rejection, RejectReason
from tests.unit.infill.scripted import filled, request_of

LINES = "\n    return 1\n    pass"


def reading(second_line: float, first_line: float) -> Reading:
    """Of three lines, the first blank; the doubts of the others as given, each of two tokens."""
    return Reading(
        texts=(LINES,),
        entropies=(((), (0.1,), (0.1,)),),
        doubts=(((), (first_line / 2, first_line / 2), (second_line / 2, second_line / 2)),),
    )


@pytest.mark.parametrize(
    ("second", "first", "most_doubt", "added_errors", "goes_on", "text", "reason"),
    [
        (9.0, 9.0, None, 3, False, LINES, None),
        (0.5, 0.4, 1.0, 0, False, LINES, None),
        (1.5, 0.4, 1.0, 0, False, "\n    return 1", None),
        (1.5, 0.4, 1.0, 0, True, None, "low_confidence"),
        (1.5, 1.2, 1.0, 0, False, None, "low_confidence"),
        (0.5, 0.4, 1.0, 1, False, None, "breaks_syntax"),
    ],
)
def test_all_of_it_its_first_line_or_nothing(
    second: float,
    first: float,
    most_doubt: float | None,
    added_errors: int,
    goes_on: bool,
    text: str | None,
    reason: RejectReason | None,
) -> None:
    shown = admitted(reading(second, first), most_doubt, added_errors=added_errors, goes_on=goes_on)
    if reason is not None:
        assert shown == Rejection(reason=reason)
        return
    assert isinstance(shown, Reading)
    assert shown.texts == (text,)
    assert most_doubt is None or shown.doubt <= most_doubt


@pytest.mark.parametrize(("answer", "reason"), [("foo", "low_confidence"), (")foo", "breaks_syntax")])
def test_a_request_that_nobody_made_may_be_answered_with_silence(answer: str, reason: RejectReason) -> None:
    shown = filled(request_of("x = ⟦⟧\nfoo(2)\n"), answer)
    assert shown.candidates[0].texts == (answer,)
    most_doubt = 0.0 if reason == "low_confidence" else 9.0
    silent = filled(request_of("x = ⟦⟧\nfoo(2)\n", most_doubt=most_doubt), answer)
    assert silent.candidates == ()
    assert silent.rejection == Rejection(reason=reason)
