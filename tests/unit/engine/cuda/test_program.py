"""How a program is recorded, by stand-ins for torch's streams and graphs."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from itertools import count

import pytest
import torch

from engine.cuda.programs.program import PackedInputs, Program

POOL = (0, 1)


class Streams:
    """torch's streams by name. A recording that fails leaves its own the current one, as torch's does."""

    def __init__(self) -> None:
        self.current = "default"
        self.waiting = "default"
        self._numbers = count()

    def new(self) -> str:
        return f"stream {next(self._numbers)}"

    def let_wait(self, mode: str) -> None:
        self.waiting = mode

    @contextmanager
    def on(self, stream: str) -> Generator[None]:
        before, self.current = self.current, stream
        try:
            yield
        finally:
            self.current = before

    @contextmanager
    def recording(self, _graph: object, *, pool: object) -> Generator[None]:
        assert pool == POOL
        before, self.current = self.current, "recording"
        yield
        self.current = before


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> Streams:
    made = Streams()
    monkeypatch.setattr(torch.cuda, "Stream", made.new)
    monkeypatch.setattr(torch.cuda, "stream", made.on)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: made.current)
    monkeypatch.setattr(torch.cuda, "set_sync_debug_mode", made.let_wait)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", object)
    monkeypatch.setattr(torch.cuda, "graph", made.recording)
    return made


def test_programs_run_on_one_stream_and_are_recorded_on_another(streams: Streams) -> None:
    """cuBLAS keeps a workspace for each."""
    used: list[str] = []
    inputs = PackedInputs({"numbers": (1, 0)}, torch.device("cpu"))
    for _ in range(3):
        program = Program(lambda: used.append(streams.current), inputs)
        program.record(POOL)
        assert program.recorded
    assert used == ["default", "recording"] * 3


def test_a_recording_that_fails_leaves_the_stream_as_it_was(streams: Streams) -> None:
    def operations() -> None:
        if streams.current == "recording":
            raise RuntimeError("operation not permitted when stream is capturing")

    program = Program(operations, PackedInputs({"numbers": (1, 0)}, torch.device("cpu")))
    with pytest.raises(RuntimeError, match="not permitted"):
        program.record(POOL)
    assert (streams.current, program.recorded) == ("default", False)


def test_what_waits_for_the_device_is_found_before_it_is_recorded(streams: Streams) -> None:
    used: list[str] = []

    def operations() -> None:
        used.append(streams.current)
        if streams.waiting == "error":
            raise RuntimeError("called a synchronizing CUDA operation")

    program = Program(operations, PackedInputs({"numbers": (1, 0)}, torch.device("cpu")))
    with pytest.raises(RuntimeError, match="synchronizing"):
        program.record(POOL)
    assert (used, streams.waiting, program.recorded) == (["default"], "default", False)
