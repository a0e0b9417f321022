import logging
import queue
import threading

log = logging.getLogger(__name__)


class Worker(threading.Thread):
    """Runs jobs from a queue until it is told to stop."""

    def __init__(self, jobs, name=None):
        super().__init__(name=name, daemon=True)
        self.jobs = ⟦jobs⟧
        self.stopped = threading.Event()
        self.done = 0
        self.failed = 0

    def run(self):
        while not self.stopped.is_set():
            try:
                job = self.jobs.get(timeout=0.5)
            except queue.Empty:
                continue
            try:
                job()
                self.done += 1
            except Exception:
                log.exception("job failed")
                ⟦self.failed += 1⟧
            finally:
                self.jobs.task_done()

    def stop(self):
        self.stopped.set()
