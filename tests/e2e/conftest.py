"""A desk of its own for every test: directories that nobody else uses, and no process left behind."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from dgemma_lsp.wire.identity import EngineOptions
from tests.e2e.hosts import Desk, Script


@pytest.fixture(name="desk")
async def _desk(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    # A short path, because a socket's may have 100 bytes only.
    home = Path(tempfile.mkdtemp(prefix="dg-"))
    for name, variable in (("run", "XDG_RUNTIME_DIR"), ("state", "XDG_STATE_HOME"), ("script", "FAKE_HOST")):
        (home / name).mkdir(mode=0o700)
        monkeypatch.setenv(variable, str(home / name))
    (home / "checkpoint").mkdir()
    desk = Desk(Script(home / "script"), EngineOptions(checkpoint=str(home / "checkpoint")))
    yield desk
    for client in desk.clients:
        await client.close()
    for pid in map(int, desk.script.lines("pids")):
        # A host that has ended may stay a zombie where nobody takes note.
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            if "tests.e2e.fake_host" in process.cmdline():
                process.kill()
                process.wait()
    shutil.rmtree(home)
