"""What the host counts, and how Prometheus reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from dgemma_lsp.wire.messages import PRIORITIES, Answer, Priority
from dgemma_lsp.wire.status import Status

Ending: TypeAlias = Literal["done", "superseded", "cancelled", "failed"]
STAGES = ("queue", "prefill", "denoise", "rank")


def _no_requests() -> dict[Priority, int]:
    return dict.fromkeys(PRIORITIES, 0)


def _no_endings() -> dict[Ending, int]:
    return {"done": 0, "superseded": 0, "cancelled": 0, "failed": 0}


def _no_time() -> dict[str, float]:
    return dict.fromkeys(STAGES, 0.0)


@dataclass(slots=True)
class Counters:
    """Totals since the host started. ms: of answered requests, by stage."""

    requests: dict[Priority, int] = field(default_factory=_no_requests)
    endings: dict[Ending, int] = field(default_factory=_no_endings)
    ms: dict[str, float] = field(default_factory=_no_time)
    passes: int = 0
    token_positions: int = 0
    steps_after_cancel_max: int = 0

    def add(self, answer: Answer) -> None:
        """Count what an answered request cost."""
        self.passes += answer.passes
        self.token_positions += answer.token_positions
        for stage in STAGES:
            self.ms[stage] += answer.ms.get(stage, 0.0)


def render(counters: Counters, status: Status) -> str:
    """Write the metrics in Prometheus's text format (version 0.0.4)."""
    seconds = {stage: ms / 1000 for stage, ms in counters.ms.items()}
    return "".join(
        (
            _family("requests_total", "counter", "Infill requests taken.", _labelled("priority", counters.requests)),
            _family("endings_total", "counter", "How requests ended.", _labelled("ending", counters.endings)),
            _family("stage_seconds_total", "counter", "Time of answered requests.", _labelled("stage", seconds)),
            _family("passes_total", "counter", "Model forwards of answered requests.", {"": counters.passes}),
            _family("token_positions_total", "counter", "Positions computed in them.", {"": counters.token_positions}),
            _family("loads_total", "counter", "Times that a model was loaded.", {"": status.loads}),
            _family(
                "steps_after_cancel_max",
                "gauge",
                "Most forwards that a request ran after its cancellation.",
                {"": counters.steps_after_cancel_max},
            ),
            _family("clients", "gauge", "Front ends that watch.", {"": status.clients}),
            _family("state", "gauge", "1 for the state the host is in.", {f'{{state="{status.state}"}}': 1}),
        )
    )


def _labelled(
    label: str, values: Mapping[str, float] | Mapping[Priority, int] | Mapping[Ending, int]
) -> dict[str, float]:
    return {f'{{{label}="{name}"}}': value for name, value in values.items()}


def _family(name: str, kind: str, text: str, samples: Mapping[str, float]) -> str:
    lines = [f"# HELP dgemma_{name} {text}", f"# TYPE dgemma_{name} {kind}"]
    lines += [f"dgemma_{name}{labels} {value}" for labels, value in samples.items()]
    return "\n".join(lines) + "\n"
