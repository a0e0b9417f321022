"""The one thread that owns the model, and who is served next.

A request is a generator that spends one model forward a `next()`. Before each the scheduler chooses whose turn it is,
so preemption, superseding and cancellation all happen at step boundaries: a request that nobody waits for any more runs
at most the forward it is in. Loading, unloading and closing happen in that thread too. Knows no HTTP and no asyncio.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
import traceback
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Literal

from dgemma_lsp.host.jobs import Job, JobQueue, Outcome
from dgemma_lsp.host.metrics import Counters, Ending
from dgemma_lsp.resident.resident import Loader, Model, Resident
from dgemma_lsp.wire.errors import EngineUnavailable, Superseded
from dgemma_lsp.wire.identity import version
from dgemma_lsp.wire.messages import Answer, RequestOptions
from dgemma_lsp.wire.status import Status
from engine.errors import ContextTooLongError, DeviceLostError, EngineError
from infill.request import Filled, InfillRequest, Progress

STOP_TIMEOUT_S = 10.0
"""How long an end waits for the step or load that the model is in, before it leaves the thread behind."""

_log = logging.getLogger(__name__)


class Scheduler:
    """Serves requests with one model. Every method may be called from any thread.

    checkpoint, device: what is to be loaded, for the status. idle_unload_s: seconds without a request after which the
    weights are dropped until the next one; None to keep them. follows_instructions: of the checkpoint, for the status.
    counters: the totals, which go on changing.
    """

    def __init__(
        self,
        load: Loader,
        *,
        checkpoint: str,
        device: str,
        idle_unload_s: float | None = None,
        follows_instructions: bool = True,
    ) -> None:
        self.counters = Counters()
        self._idle_unload_s = idle_unload_s
        status = Status(
            message=f"starting {checkpoint}",
            checkpoint=checkpoint,
            device=device,
            follows_instructions=follows_instructions,
            pid=os.getpid(),
            version=version(),
        )
        self._resident = Resident(load, status, changed=self._notify)
        self._queue = JobQueue()
        self._condition = threading.Condition()
        self._arrivals = 0
        self._stopping = False
        self._lost = False
        self._step_began_s: float | None = None
        self._listeners: list[Callable[[], None]] = []
        self._thread = threading.Thread(target=self._run, name="model", daemon=True)

    def start(self) -> None:
        """Start the thread, which begins to load the model."""
        self._thread.start()

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """End every request as unavailable, free the model after the step it is in, and wait for that."""
        with self._condition:
            self._stopping = True
            jobs = list(self._queue.waiting)
            for job in jobs:
                self._end(job, "failed")
            self._condition.notify_all()
        for job in jobs:
            job.deliver(EngineUnavailable("The engine was stopped."))
        self._notify()
        self._thread.join(timeout_s)

    @property
    def stopping(self) -> bool:
        """Whether it takes no more requests."""
        return self._stopping

    @property
    def step_s(self) -> float:
        """Seconds that the forward under way has taken so far; 0 between two, and while the model loads."""
        began = self._step_began_s
        return 0.0 if began is None else time.monotonic() - began

    @property
    def lost(self) -> bool:
        """Whether the device failed for good: another process may have it again, this one will not."""
        return self._lost

    def submit(self, request: InfillRequest, options: RequestOptions, deliver: Callable[[Outcome], None]) -> Job:
        """Queue a request; a waiting or running one of the same owner is superseded.

        Raises:
            EngineUnavailable: the scheduler is stopping.
        """
        with self._condition:
            if self._stopping:
                raise EngineUnavailable("The engine was stopped.")
            self._arrivals += 1
            job = Job(
                number=self._arrivals, request=request, options=options, deliver=deliver, submitted_s=time.monotonic()
            )
            self.counters.requests[options.priority] += 1
            self._queue.add(job)
            loser = self._queue.superseded_by(job)
            if loser is not None:
                self._end(loser, "superseded")
            self._condition.notify_all()
        if loser is not None:
            loser.deliver(Superseded("A newer request took its place."))
        self._notify()
        return job

    def cancel(self, job: Job) -> None:
        """Forget a request; nothing more is delivered to it. Does nothing if it has ended."""
        with self._condition:
            self._end(job, "cancelled")
            self._condition.notify_all()
        self._notify()

    def status(self) -> Status:
        """How it fares now; who watches is left to who knows it."""
        status = self._resident.status
        with self._condition:
            return replace(
                status,
                state="busy" if status.state == "ready" and self._queue.waited_for else status.state,
                requests=self._arrivals,
                superseded=self.counters.endings["superseded"],
                cancelled=self.counters.endings["cancelled"],
                failed=self.counters.endings["failed"],
                steps_after_cancel_max=self.counters.steps_after_cancel_max,
            )

    @contextlib.contextmanager
    def listening(self, listener: Callable[[], None]) -> Generator[None]:
        """Have `listener` called, from any thread, after what may have changed the status. It must not block."""
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    def _notify(self) -> None:
        for listener in tuple(self._listeners):
            listener()

    def _end(self, job: Job, ending: Ending) -> bool:
        """Take a job out and count it; False if it had ended before. The caller holds the condition."""
        if not self._queue.end(job):
            return False
        self.counters.endings[ending] += 1
        if ending != "done":
            _log.info("request %d %s: %s after %d steps", job.number, job.options.priority, ending, job.steps)
        return True

    # What follows runs in the model's thread only.

    def _run(self) -> None:
        self._load()
        while (work := self._await_work()) != "stop":
            if work == "idle":
                self._resident.drop()
            else:
                self._turn()
        self._close_abandoned()
        self._resident.drop()

    def _turn(self) -> None:
        """One forward for whoever is most urgent, or one load of the model."""
        self._close_abandoned()
        model = self._resident.model
        if model is None:
            # What is most urgent may change while the model loads, so nothing is chosen before it is there.
            self._load()
        elif (job := self._best()) is not None:
            self._advance(job, model)

    def _load(self) -> None:
        try:
            self._resident.load()
        except EngineError as error:
            with self._condition:
                jobs = list(self._queue.waiting)
            if isinstance(error, DeviceLostError) and any(job.reloaded for job in jobs):
                self._give_up(error)
            for job in jobs:
                self._finish(job, "failed", error)

    def _await_work(self) -> Literal["step", "idle", "stop"]:
        timeout = self._idle_unload_s if self._resident.model is not None else None
        with self._condition:
            if not self._condition.wait_for(lambda: self._stopping or self._queue, timeout):
                return "idle"
            return "stop" if self._stopping else "step"

    def _best(self) -> Job | None:
        with self._condition:
            return self._queue.best()

    def _close_abandoned(self) -> None:
        with self._condition:
            jobs, self._queue.abandoned = self._queue.abandoned, []
        for job in jobs:
            self._close(job)

    def _close(self, job: Job) -> None:
        """End what a job has under way, if anything."""
        forwards, job.forwards = job.forwards, None
        if forwards is not None:
            try:
                forwards.close()
            except Exception as error:
                self._log_failure(job, error)

    def _advance(self, job: Job, model: Model) -> None:
        """Run one forward for a job and hand out what came of it."""
        try:
            item = self._step(job, model)
        except DeviceLostError as error:
            _log.error("request %d: %s", job.number, error)
            self._lose(job, error)
        except ContextTooLongError as error:
            if not self._take_room(job):
                self._fail(job, error)
        except EngineError as error:
            self._fail(job, error)
        except Exception as error:
            # One request's failure is its own; the thread and the model serve the others.
            self._log_failure(job, error)
            self._finish(job, "failed", EngineError(f"The engine failed ({type(error).__name__}); see its log."))
        else:
            if isinstance(item, Filled):
                self._finish(job, "done", _answer(job, item))
            elif item.draft is not None and job.options.stream and not job.ended:
                job.deliver(item.draft)

    def _fail(self, job: Job, error: EngineError) -> None:
        _log.error("request %d: %s", job.number, error)
        self._finish(job, "failed", error)

    def _take_room(self, job: Job) -> bool:
        """Have the jobs that others have begun, and whose contexts leave no room for this one's, begin anew after it;
        whether there are any."""
        with self._condition:
            others = [other for other in self._queue.waiting if other is not job and other.forwards is not None]
        for begun in (*others, job):
            self._close(begun)
        return bool(others)

    def _lose(self, job: Job, error: DeviceLostError) -> None:
        """Load the model anew after its device failed, as some do when the machine slept, and begin all jobs again."""
        if job.reloaded:
            self._give_up(error)
            return
        job.reloaded = True
        with self._condition:
            jobs = list(self._queue.waiting)
        for other in jobs:
            self._close(other)
        self._resident.lose(str(error))

    def _give_up(self, error: DeviceLostError) -> None:
        """Leave a device that fails again to another process: this one cannot have it anew."""
        final = DeviceLostError(f"The engine ends, because {error} The next request starts another.")
        self._resident.give_up(str(final))
        self._lost = True
        with self._condition:
            jobs = list(self._queue.waiting)
        for job in jobs:
            self._finish(job, "failed", final)
        self._notify()

    def _step(self, job: Job, model: Model) -> Progress | Filled:
        started = time.monotonic()
        if job.forwards is None:
            job.forwards = model.fill(job.request)
        job.steps += 1
        self._step_began_s = started
        try:
            item = next(job.forwards, None)
        finally:
            self._step_began_s = None
        job.busy_s += time.monotonic() - started
        with self._condition:
            if job.ended:
                job.steps_after_cancel += 1
                worst = max(self.counters.steps_after_cancel_max, job.steps_after_cancel)
                self.counters.steps_after_cancel_max = worst
        if item is None:
            raise RuntimeError("the pipeline stopped without an answer")
        return item

    def _finish(self, job: Job, ending: Ending, outcome: Outcome) -> None:
        with self._condition:
            if not self._end(job, ending):
                return
            if isinstance(outcome, Answer):
                self.counters.add(outcome)
                _log_answer(job, outcome)
        job.deliver(outcome)
        self._notify()

    @staticmethod
    def _log_failure(job: Job, error: Exception) -> None:
        # The message may quote the user's text, so it stays below INFO; type and place tell where to look.
        trace = "".join(traceback.format_tb(error.__traceback__))
        _log.error("request %d %s failed: %s\n%s", job.number, job.options.priority, type(error).__name__, trace)
        _log.debug("request %d failed with: %s", job.number, error)


def _answer(job: Job, filled: Filled) -> Answer:
    stats = filled.stats
    queue_s = time.monotonic() - job.submitted_s - job.busy_s
    return Answer(
        candidates=filled.candidates,
        rejection=filled.rejection,
        passes=stats.passes,
        token_positions=stats.token_positions,
        ms={"queue": queue_s * 1000, **stats.ms},
        context_tokens=stats.context_tokens,
        cached_tokens=stats.cached_tokens,
        free_tokens=stats.free_tokens,
        stop_reason=filled.candidates[0].stop_reason if filled.candidates else None,
    )


def _log_answer(job: Job, answer: Answer) -> None:
    _log.info(
        "request %d %s: context %d, cached %d, free %d tokens; %d passes; %s ms; %s",
        job.number,
        job.options.priority,
        answer.context_tokens,
        answer.cached_tokens,
        answer.free_tokens,
        answer.passes,
        ", ".join(f"{stage} {ms:.1f}" for stage, ms in answer.ms.items()),
        answer.stop_reason or ("rejected" if answer.rejection else "prefilled"),
    )
