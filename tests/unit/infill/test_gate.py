"""What of a candidate is shown where nobody asked for it."""

from __future__ import annotations

import pytest

from infill.candidate import Reading
from infill.gate import admitted
from infill.request import Rejection, RejectReason
from tests.unit.infill.scripted import filled, request_of

LINES = "\n    return 1\n    pass"


def reading(worst: float, first_line: float) -> Reading:
    return Reading(
        texts=(LINES,),
        mean_entropy=0.1,
        line_entropies=((0.0,) * 3,),
        line_doubts=((0.0, first_line, worst - first_line),),
    )


@pytest.mark.parametrize(
    ("worst", "first", "most_doubt", "added_errors", "text", "reason"),
    [
        (9.0, 9.0, None, 3, LINES, None),
        (0.5, 0.4, 1.0, 0, LINES, None),
        (1.5, 0.4, 1.0, 0, "\n    return 1", None),
        (1.5, 1.2, 1.0, 0, None, "low_confidence"),
        (0.5, 0.4, 1.0, 1, None, "breaks_syntax"),
    ],
)
def test_all_of_it_its_first_line_or_nothing(
    worst: float,
    first: float,
    most_doubt: float | None,
    added_errors: int,
    text: str | None,
    reason: RejectReason | None,
) -> None:
    shown = admitted(reading(worst, first), most_doubt, added_errors=added_errors)
    if reason is not None:
        assert shown == Rejection(reason=reason)
        return
    assert isinstance(shown, Reading)
    assert shown.texts == (text,)
    assert most_doubt is None or shown.worst_entropy <= most_doubt


@pytest.mark.parametrize(("answer", "reason"), [("foo", "low_confidence"), (")foo", "breaks_syntax")])
def test_a_request_that_nobody_made_may_be_answered_with_silence(answer: str, reason: RejectReason) -> None:
    shown = filled(request_of("x = ⟦⟧\ny = 2\n"), answer)
    assert shown.candidates[0].texts == (answer,)
    most_doubt = 0.0 if reason == "low_confidence" else 9.0
    silent = filled(request_of("x = ⟦⟧\ny = 2\n", most_doubt=most_doubt), answer)
    assert silent.candidates == ()
    assert silent.rejection == Rejection(reason=reason)
