"""What a front end and the host say to each other, and how it is written: JSON requests, NDJSON answers.

The types are plain and are used in the same process too; only `parse_*` and `dump_*` know JSON. Knows no HTTP.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias, cast, get_args

from dgemma_lsp.wire.codec import WireError, decode, encode, encode_fields
from dgemma_lsp.wire.errors import EngineUnavailable, EngineUnresponsive, Superseded
from dgemma_lsp.wire.status import Status
from engine.errors import EngineError
from infill.request import Candidate, Draft, InfillRequest, Rejection, StopReason

PROTOCOL = 3
"""Raised when the messages change; part of a host's identity."""

Priority: TypeAlias = Literal["inline", "rewrite", "edit", "speculation"]
PRIORITIES: tuple[Priority, ...] = get_args(Priority)
"""The classes in the order in which they are served."""

ENDS = "ends"
"""The answer of a host that was asked to end if nobody uses it, and does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """On whose behalf a request is made; a newer request of an equal owner supersedes the older one.

    client: the front end (one per process). document: its URI. kind: what the answer is for ("inline", say).
    """

    client: str
    document: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOptions:
    """How a request is to be served.

    owner: None for a request that nothing supersedes. sequence: counts the client's requests, so that two of one
    owner which overtake each other on the way still supersede in the order they were made. stream: send drafts.
    """

    priority: Priority = "rewrite"
    owner: Owner | None = None
    sequence: int = 0
    stream: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The last event: the candidates, best first, or where there are none the rejection that says why; and the cost.

    ms: milliseconds by stage: "queue" (waiting, loading and preemption included), "prefill", "denoise", "rank".
    token_positions: decoder and scoring positions computed, padding included. stop_reason: the best candidate's,
    None where there is none.
    """

    candidates: tuple[Candidate, ...]
    rejection: Rejection | None
    passes: int
    token_positions: int
    ms: Mapping[str, float]
    context_tokens: int
    cached_tokens: int
    free_tokens: int
    stop_reason: StopReason | None


Event: TypeAlias = Draft | Answer


FailureKind: TypeAlias = Literal["superseded", "unresponsive", "unavailable", "engine"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The last line of an answer that ended without one; `exception` is what the client raises."""

    kind: FailureKind
    message: str

    @classmethod
    def of(cls, error: Superseded | EngineError) -> Failure:
        """Describe an exception for the other side."""
        kind: FailureKind = next(kind for kind, exception in _FAILURES.items() if isinstance(error, exception))
        return cls(kind=kind, message=str(error))

    def exception(self) -> Superseded | EngineError:
        """Make the exception that was described."""
        return _FAILURES[self.kind](self.message)


_FAILURES: dict[FailureKind, type[Superseded] | type[EngineError]] = {
    "superseded": Superseded,
    "unresponsive": EngineUnresponsive,
    "unavailable": EngineUnavailable,
    "engine": EngineError,
}
"""Each kind's exception, a special one before the more general."""

_EVENTS: dict[str, type[Event] | type[Failure]] = {
    "draft": Draft,
    "answer": Answer,
    "error": Failure,
}
_TAGS = {kind: tag for tag, kind in _EVENTS.items()}
_OPTIONS = frozenset(field.name for field in fields(RequestOptions))


def dump_call(request: InfillRequest, options: RequestOptions) -> bytes:
    """Write a request and its options side by side in one object."""
    return _dump(encode_fields(request) | encode_fields(options))


def parse_call(body: bytes) -> tuple[InfillRequest, RequestOptions]:
    """Read a request and its options.

    Raises:
        WireError: it is not JSON, or not a request.
    """
    value = _parse(body)
    if not isinstance(value, dict):
        raise WireError("$", "expected an object")
    items = cast(dict[str, object], value).items()
    request = {name: item for name, item in items if name not in _OPTIONS}
    options = {name: item for name, item in items if name in _OPTIONS}
    return decode(InfillRequest, request), decode(RequestOptions, options)


def dump_event(event: Event | Failure) -> bytes:
    """Write one line of an answer, its newline included."""
    return _dump({_TAGS[type(event)]: encode(event)}) + b"\n"


def parse_event(line: str | bytes) -> Event | Failure:
    """Read one line of an answer.

    Raises:
        WireError: it is not JSON, or not an event.
    """
    value = _parse(line)
    if not isinstance(value, dict) or len(cast(dict[str, Any], value)) != 1:
        raise WireError("$", "expected an object with one event")
    [(tag, content)] = cast(dict[str, Any], value).items()
    if tag not in _EVENTS:
        raise WireError(f"$.{tag}", "unknown event")
    return decode(_EVENTS[tag], content, f"$.{tag}")


def dump_status(status: Status) -> bytes:
    """Write a status, its newline included."""
    return _dump(encode(status)) + b"\n"


def parse_status(body: str | bytes) -> Status:
    """Read a status.

    Raises:
        WireError: it is not JSON, or not a status.
    """
    return decode(Status, _parse(body))


def _dump(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _parse(body: str | bytes) -> object:
    try:
        return json.loads(body)
    except ValueError as error:
        # The decoder's own message gives line and column, not the text.
        raise WireError("$", f"not JSON: {error}") from error
