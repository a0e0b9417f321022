"""Edits that follow a recent change: replays, the text as it stands, and by how much one has to be likelier."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infill.judge.flaws import Flaws
from infill.judge.gate import suggested_edit
from infill.profile import EditSettings, Weights
from infill.request import Change, Confidence, Filled, InfillRequest, Rejection
from infill.task import Proposal, Scored
from tests.unit.infill.scripted import PROFILE, apply, request_of, run, scripted

CHANGES = (Change(path="a.py", before="foo = 1\n", after="bar = 1\n"),)
REPLAYED = EditSettings(stages=(("replayed_edit",),), margin=1.0)


def asked(*replays: str, confidence: Confidence | None = None) -> InfillRequest:
    request = request_of("bar = 1\n⟦foo + foo⟧\n", changes=CHANGES, confidence=confidence)
    return replace(request, replays=replays)


def answered(request: InfillRequest, likely: str, edits: EditSettings = REPLAYED) -> Filled:
    """The pipeline's last word where the encoder finds a text likely."""
    last = run(request, scripted(request, [likely]), profile=replace(PROFILE, edits=edits))[-1]
    assert isinstance(last, Filled)
    return last


@pytest.mark.parametrize("confidence", [None, "normal"])
def test_a_replay_that_is_likelier_than_what_stands_there_is_offered(confidence: Confidence | None) -> None:
    request = asked("bar + bar", confidence=confidence)
    [candidate] = answered(request, "bar + bar").candidates
    assert apply(request, candidate.texts) == "bar = 1\nbar + bar\n"


@pytest.mark.parametrize("confidence", [None, "normal"])
def test_what_stands_there_stays_where_it_is_likelier(confidence: Confidence | None) -> None:
    result = answered(asked("bar + bar", confidence=confidence), "foo + foo")
    assert (result.candidates, result.rejection) == ((), Rejection(reason="unchanged"))


def test_a_replay_that_nobody_asked_for_needs_its_margin() -> None:
    edits = replace(REPLAYED, margin=1_000.0)
    assert answered(asked("bar + bar", confidence="normal"), "bar + bar", edits).candidates == ()
    assert answered(asked("bar + bar"), "bar + bar", edits).candidates


def test_without_a_replay_a_checkpoint_that_only_replays_computes_nothing() -> None:
    request = asked()
    denoiser = scripted(request, ["bar + bar"])
    [last] = run(request, denoiser, profile=replace(PROFILE, edits=REPLAYED))
    assert isinstance(last, Filled)
    assert last.rejection == Rejection(reason="unchanged")
    assert denoiser.prompts == []


def test_a_checkpoint_that_denoises_edits_finds_what_no_replay_says() -> None:
    request = asked(confidence="normal")
    [candidate] = answered(
        request, "bar + 1", EditSettings(stages=(("denoise", "replayed_edit"),), margin=0.5)
    ).candidates
    assert candidate.texts == ("bar + 1",)


@pytest.mark.parametrize(
    ("log_prob", "errors", "outcome"),
    [(-1.0, 0, None), (-1.5, 0, "unchanged"), (0.0, 1, "breaks_syntax")],
)
def test_an_edit_is_compared_with_the_text_as_it_is(log_prob: float, errors: int, outcome: str | None) -> None:
    def scored(log_prob: float, errors: int) -> Scored:
        proposal = Proposal(texts=("x",), token_ids=(), source="replayed_edit")
        return Scored(proposal=proposal, log_prob=log_prob, line_nll=(0.0,), flaws=lambda: Flaws(errors))

    edit = scored(log_prob, errors)
    shown = suggested_edit(edit, scored(-2.0, 0), margin=1.0, weights=Weights())
    assert shown == (edit if outcome is None else Rejection(reason=outcome))  # pyright: ignore[reportArgumentType]


def test_an_edit_that_was_not_compared_is_not_suggested_unasked() -> None:
    proposal = Proposal(texts=("x",), token_ids=(), source="replayed_edit")
    edit = Scored(proposal=proposal, log_prob=0.0, line_nll=(0.0,), flaws=Flaws)
    assert suggested_edit(edit, None, margin=1.0, weights=Weights()) == Rejection(reason="low_confidence")


def test_a_replay_that_nothing_weighs_is_not_suggested() -> None:
    late = replace(asked("bar + bar", confidence="normal"), deadline_ms=0)
    assert answered(late, "bar + bar").rejection == Rejection(reason="took_too_long")
    request = asked("bar + bar", confidence="normal")
    profile = replace(PROFILE, edits=REPLAYED, trust_encoder=False)
    last = run(request, scripted(request, ["bar + bar"]), profile=profile)[-1]
    assert isinstance(last, Filled)
    assert (last.candidates, last.rejection) == ((), Rejection(reason="low_confidence"))


def test_replays_are_of_one_hole() -> None:
    with pytest.raises(ValueError, match="single hole"):
        replace(request_of("⟦a⟧ b ⟦c⟧"), replays=("x",))
