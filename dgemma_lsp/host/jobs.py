"""What the model's thread works on: jobs, and the order in which they are served.

The order is decided anew before every model forward, so a better job that has just come waits one step at most. Not
thread-safe by itself: the scheduler guards it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from dgemma_lsp.resident.resident import Forwards
from dgemma_lsp.wire.errors import Superseded
from dgemma_lsp.wire.messages import PRIORITIES, Event, RequestOptions
from engine.errors import EngineError
from infill.request import InfillRequest

Outcome: TypeAlias = Event | Superseded | EngineError
"""What a job's taker is handed: events, the last of them `Answer`, or one exception."""


@dataclass(slots=True, kw_only=True, eq=False)
class Job:
    """One request on its way. Only the model's thread touches `forwards`, `steps` and `busy_s`.

    number: order of arrival. deliver: takes outcomes, from any thread, and must not block. submitted_s: clock seconds.
    forwards: None until its first step. steps: forwards begun. busy_s: seconds spent in them. ended: nobody waits for
    it any more. steps_after_cancel: forwards that finished after it had been cancelled or superseded.
    reloaded: the model was loaded anew for it, because the device failed under it.
    """

    number: int
    request: InfillRequest
    options: RequestOptions
    deliver: Callable[[Outcome], None]
    submitted_s: float
    forwards: Forwards | None = None
    steps: int = 0
    busy_s: float = 0.0
    ended: bool = False
    steps_after_cancel: int = 0
    reloaded: bool = False


@dataclass(slots=True)
class JobQueue:
    """The jobs that are to be done, and those whose forwards are still to be closed."""

    waiting: list[Job] = field(default_factory=list[Job])
    abandoned: list[Job] = field(default_factory=list[Job])

    def __bool__(self) -> bool:
        return bool(self.waiting or self.abandoned)

    @property
    def waited_for(self) -> bool:
        """Whether somebody waits for any of them, and it is not all done ahead of what may be asked."""
        return any(job.options.priority != "speculation" for job in self.waiting)

    def add(self, job: Job) -> None:
        """Take a job in."""
        self.waiting.append(job)

    def superseded_by(self, job: Job) -> Job | None:
        """What has to go now that `job` is in: the older one of its owner, which may be itself if it came late."""
        rival = next((other for other in self.waiting if other is not job and _same_owner(other, job)), None)
        if rival is None:
            return None
        return job if job.options.sequence < rival.options.sequence else rival

    def best(self) -> Job | None:
        """The job that the next forward is for: the first class that has any, the newest of it."""
        return min(self.waiting, key=_urgency, default=None)

    def end(self, job: Job) -> bool:
        """Take a job out; False if it had ended before. Its forwards are left for the model's thread to close."""
        if job.ended:
            return False
        job.ended = True
        self.waiting.remove(job)
        self.abandoned.append(job)
        return True


def _same_owner(one: Job, other: Job) -> bool:
    return one.options.owner is not None and one.options.owner == other.options.owner


def _urgency(job: Job) -> tuple[int, int]:
    return PRIORITIES.index(job.options.priority), -job.number
