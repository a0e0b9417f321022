"""Blocks longer than a canvas."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infill.judge.flaws import Flaws
from infill.long_block import continued, following
from infill.proposal import Proposal, Scored
from infill.request import Filled
from tests.unit.infill.scripted import PROFILE, Writer, apply, request_of, run


def scored(text: str, *line_nll: float) -> Scored:
    proposal = Proposal(texts=(text,), token_ids=(), source="denoise")
    return Scored(proposal=proposal, log_prob=-sum(line_nll), line_nll=line_nll, flaws=Flaws)


def test_a_text_follows_the_lines_that_were_kept() -> None:
    whole = continued(scored("a\nb\nc", 0.1, 0.2, 0.9).first_lines(2), scored("d\ne", 0.3, 0.4))
    assert whole.texts == ("a\nb\nd\ne",)
    assert whole.line_nll == (0.1, 0.2, 0.3, 0.4)


def test_the_rest_is_asked_for_behind_what_is_kept() -> None:
    rest = following(request_of("x = ⟦⟧\ny\n", must_start_with="fo"), "o(\n")
    assert (rest.prefix, rest.middles, rest.suffix, rest.must_start_with) == ("x = foo(\n", ("",), "\ny\n", None)


SHORT = replace(PROFILE, lengths=replace(PROFILE.lengths, block=(6,)))


@pytest.mark.parametrize(
    ("answers", "rounds", "text"),
    [
        # Six tokens hold a line and a half: the line is kept, and the next canvas begins behind it.
        (("foo()\nbar()()", "bar()\nreturn()()", "name\n\n"), 9, "foo()\nbar()\nname"),
        (("foo()\nbar()()", "bar()\nreturn()()"), 2, "foo()\nbar()\nreturn()()"),
        (("foo()\nbar()()",), 1, "foo()\nbar()()"),
        # Nothing comes after what was kept.
        (("foo()\nbar()()", "\n```"), 9, "foo()"),
        # A text that ends within the longest hole goes on nowhere.
        (("foo\nbar()\n",), 9, "foo\nbar()"),
    ],
)
def test_a_text_longer_than_a_canvas_goes_on_in_the_next(answers: tuple[str, ...], rounds: int, text: str) -> None:
    request = request_of("⟦⟧", path="notes", mode="block")
    denoiser = Writer(*answers)
    *_, last = run(request, denoiser, profile=replace(SHORT, max_canvases=rounds))
    assert isinstance(last, Filled)
    assert apply(request, last.candidates[0].texts) == text
    assert denoiser.waiting == []
    assert all(context.released for context in denoiser.contexts)


def test_a_deadline_leaves_the_text_as_far_as_it_is() -> None:
    request = request_of("⟦⟧", path="notes", mode="block", deadline_ms=0)
    *_, last = run(request, Writer("foo()\nbar()()"), profile=SHORT)
    assert isinstance(last, Filled)
    assert last.candidates[0].stop_reason == "deadline"
