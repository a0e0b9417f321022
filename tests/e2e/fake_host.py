"""A real host process over a scripted model: `python -m tests.e2e.fake_host KEY OPTIONS`.

Its script is the directory FAKE_HOST: while the file `hold-load` or `hold-step` is there, loading or the next forward
waits, and with `loopback` it does without Unix sockets; `loads` and `ran` get a line for every load and every forward
that begins, `freed` one for every unload, `pids` one for every process.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Generator
from pathlib import Path

from dgemma_lsp.checkpoints.resolve import Checkpoint
from dgemma_lsp.host.process import main
from dgemma_lsp.resident.resident import Loader, Report
from dgemma_lsp.wire import endpoint
from dgemma_lsp.wire.identity import EngineOptions
from infill.request import Candidate, Draft, Filled, FillStats, InfillRequest, Progress
from tests.e2e.hosts import STEPS

SCRIPT = Path(os.environ["FAKE_HOST"])


class FakeModel:
    """Answers a request with its own path after `seed` forwards, or `STEPS` where it names no seed."""

    notice = ""

    @property
    def device(self) -> str:
        return "fake"

    def fill(self, request: InfillRequest) -> Generator[Progress | Filled, None, None]:
        steps = request.seed or STEPS
        for step in range(steps):
            note("ran", request.path)
            wait_while("hold-step")
            yield Progress(stage="denoise", draft=Draft(pieces=(((str(step), 0.5),),)))
        candidate = Candidate(
            texts=(request.path,),
            score=0.0,
            worst_entropy=0.0,
            worst_line_nll=0.0,
            added_errors=0,
            passes=steps,
            stop_reason="settled",
        )
        yield Filled(candidates=(candidate,), rejection=None, stats=FillStats(passes=steps))

    def close(self) -> None:
        note("freed", "")


def make_loader(_checkpoint: Checkpoint, _options: EngineOptions) -> Loader:
    def load(report: Report) -> FakeModel:
        note("loads", str(os.getpid()))
        report("Loading the fake", 0.5)
        wait_while("hold-load")
        return FakeModel()

    return load


def note(name: str, line: str) -> None:
    # One test lets no process write to files.
    with contextlib.suppress(OSError), (SCRIPT / name).open("a") as file:
        file.write(f"{line}\n")


def wait_while(name: str) -> None:
    while (SCRIPT / name).exists():
        time.sleep(0.002)


if __name__ == "__main__":
    if (SCRIPT / "loopback").exists():
        endpoint.UNIX = False
    note("pids", str(os.getpid()))
    sys.exit(main(sys.argv[1:], make_loader))
