"""What goes over the wire comes back the same, and nothing else gets in."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from dgemma_lsp.wire.codec import WireError
from dgemma_lsp.wire.errors import EngineUnavailable, EngineUnresponsive, Superseded
from dgemma_lsp.wire.messages import (
    Answer,
    Event,
    Failure,
    Owner,
    RequestOptions,
    dump_call,
    dump_event,
    dump_status,
    parse_call,
    parse_event,
    parse_status,
)
from dgemma_lsp.wire.status import Status
from engine.errors import CheckpointError, EngineError
from infill.request import Candidate, Draft, InfillRequest, Rejection, Snippet, Span

REQUEST = InfillRequest(
    text="a = ⟦x⟧\r\n🦀\ud800",
    holes=(Span(start=4, end=4), Span(start=5, end=7)),
    instruction="name it",
    path="src/a.py",
    language_id="python",
    snippets=(Snippet(path="b.py", text="x = 1"),),
    mode="line",
    n=3,
    seed=7,
    deadline_ms=250,
    must_start_with="fo",
)
TERMS = RequestOptions(
    priority="inline", owner=Owner(client="1", document="file:///a.py", kind="inline"), sequence=9, stream=True
)
CANDIDATE = Candidate(
    texts=("a", "b"),
    score=-1.5,
    worst_entropy=0.0,
    worst_line_nll=0.0,
    added_errors=0,
    passes=4,
    stop_reason="deadline",
)
ANSWER = Answer(
    candidates=(CANDIDATE,),
    rejection=None,
    passes=9,
    token_positions=640,
    ms={"queue": 0.5, "prefill": 1.0, "denoise": 30.25, "rank": 0.0},
    context_tokens=512,
    cached_tokens=500,
    free_tokens=24,
    stop_reason=None,
)
EVENTS: list[Event | Failure] = [
    Draft(pieces=((("re", 0.25), ("turn", 1.5)), ())),
    ANSWER,
    replace(ANSWER, candidates=(), rejection=Rejection(reason="repeats_suffix")),
    Failure(kind="engine", message="no"),
]


def test_a_call_comes_back_the_same() -> None:
    assert parse_call(dump_call(REQUEST, TERMS)) == (REQUEST, TERMS)


def test_a_call_is_one_flat_camel_case_object() -> None:
    value = json.loads(dump_call(REQUEST, TERMS))
    assert value["holes"] == [[4, 4], [5, 7]]
    assert value["languageId"] == "python"
    assert value["deadlineMs"] == 250
    assert (value["priority"], value["stream"]) == ("inline", True)


def test_what_is_left_out_has_its_default() -> None:
    request, options = parse_call(b'{"text": "ab", "holes": [[1, 2]]}')
    assert request == InfillRequest(text="ab", holes=(Span(start=1, end=2),))
    assert options == RequestOptions()


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_comes_back_the_same_from_its_line(event: Event | Failure) -> None:
    line = dump_event(event)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert parse_event(line) == event


def test_events_are_named_as_documented() -> None:
    answer = json.loads(dump_event(ANSWER))["answer"]
    assert answer["candidates"][0]["texts"] == ["a", "b"]
    assert answer["candidates"][0]["worstLineNll"] == 0.0
    del answer["candidates"]
    assert answer == {
        "rejection": None,
        "passes": 9,
        "tokenPositions": 640,
        "ms": {"queue": 0.5, "prefill": 1.0, "denoise": 30.25, "rank": 0.0},
        "contextTokens": 512,
        "cachedTokens": 500,
        "freeTokens": 24,
        "stopReason": None,
    }
    assert [next(iter(json.loads(dump_event(event)))) for event in EVENTS] == ["draft", "answer", "answer", "error"]


def test_a_status_comes_back_the_same() -> None:
    status = Status(state="loading", progress=0.5, pid=1, version="0", checkpoint="nano", device="cpu", loads=2)
    assert parse_status(dump_status(status)) == status
    assert json.loads(dump_status(status))["steps_after_cancel_max"] == 0


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Superseded("newer"), Superseded),
        (EngineUnavailable("gone"), EngineUnavailable),
        (EngineUnresponsive("hung"), EngineUnresponsive),
        (EngineError("no"), EngineError),
        (CheckpointError("bad file"), EngineError),
    ],
)
def test_a_failure_is_raised_on_the_other_side(error: Superseded | EngineError, kind: type[Exception]) -> None:
    raised = Failure.of(error).exception()
    assert type(raised) is kind
    assert str(raised) == str(error)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "$: not JSON"),
        ("{", "$: not JSON"),
        ("[]", "$: expected an object"),
        ('{"holes": [[0, 0]]}', "$.text: missing"),
        ('{"text": "a"}', "$.holes: missing"),
        ('{"text": 3, "holes": [[0, 0]]}', "$.text: expected a string, not an integer"),
        ('{"text": "a", "holes": []}', "$: a request needs at least one hole"),
        ('{"text": "a", "holes": {}}', "$.holes: expected an array, not an object"),
        ('{"text": "a", "holes": [[0]]}', "$.holes[0]: expected 2 items, not 1"),
        ('{"text": "a", "holes": [[0, "1"]]}', "$.holes[0][1]: expected an integer, not a string"),
        ('{"text": "a", "holes": [[0, true]]}', "$.holes[0][1]: expected an integer, not true or false"),
        ('{"text": "a", "holes": [[0, 1.0]]}', "$.holes[0][1]: expected an integer, not a number"),
        ('{"text": "a", "holes": [[1, 0]]}', "$.holes[0]: a span runs from 0"),
        ('{"text": "a", "holes": [[0, 2]]}', "$: a hole ends at 2, past"),
        ('{"text": "a", "holes": [[0, 0]], "n": 0}', "$: n must be 1 to 16, not 0"),
        ('{"text": "a", "holes": [[0, 0]], "n": 17}', "$: n must be 1 to 16, not 17"),
        ('{"text": "a", "holes": [[0, 0]], "mode": "poem"}', "$.mode: expected one of 'line', 'block', 'auto'"),
        ('{"text": "a", "holes": [[0, 0]], "mode": []}', "$.mode: expected one of"),
        ('{"text": "a", "holes": [[0, 0]], "language_id": "c"}', "$.language_id: unknown field"),
        ('{"text": "a", "holes": [[0, 0]], "snippets": [{"path": "b"}]}', "$.snippets[0].text: missing"),
        ('{"text": "a", "holes": [[0, 0]], "deadlineMs": "1"}', "$.deadlineMs: expected an integer, not a string"),
        ('{"text": "a", "holes": [[0, 0]], "priority": "now"}', "$.priority: expected one of 'inline'"),
        ('{"text": "a", "holes": [[0, 0]], "owner": {"client": "c"}}', "$.owner.document: missing"),
        ('{"text": "a", "holes": [[0, 0]], "stream": 1}', "$.stream: expected true or false, not an integer"),
    ],
)
def test_a_malformed_call_is_refused_with_its_path(body: str, message: str) -> None:
    with pytest.raises(WireError) as caught:
        parse_call(body.encode())
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{}", "$: expected an object with one event"),
        ('{"a": 1, "b": 2}', "$: expected an object with one event"),
        ('{"applause": {}}', "$.applause: unknown event"),
        (
            '{"answer": {"candidates": [], "rejection": {"reason": "mood"}}}',
            "$.answer.rejection.reason: expected one of",
        ),
        ('{"draft": {"pieces": [[["a"]]]}}', "$.draft.pieces[0][0]: expected 2 items, not 1"),
        ('{"answer": {"candidates": [], "rejection": null, "passes": 1}}', "$.answer.tokenPositions: missing"),
    ],
)
def test_a_malformed_event_is_refused_with_its_path(line: str, message: str) -> None:
    with pytest.raises(WireError) as caught:
        parse_event(line)
    assert str(caught.value).startswith(message)


def test_a_refusal_never_repeats_a_value() -> None:
    with pytest.raises(WireError) as caught:
        parse_call(b'{"text": ["secret"], "holes": [["secret", 0]], "mode": "secret"}')
    assert "secret" not in str(caught.value)
