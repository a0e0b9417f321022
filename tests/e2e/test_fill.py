"""`dgemma-lsp fill` with the embedded checkpoint: not one byte outside a hole changes."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dgemma_lsp.__main__ import main
from tests.command import COMMAND
from tests.e2e.sources import SOURCES

NOTHING_TO_OFFER = 3
LINE_END = re.compile(r"\r\n|\n|\r")


@pytest.fixture(scope="module", autouse=True)
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An engine host for these tests alone, started by the first of them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_RUNTIME_DIR", "XDG_STATE_HOME"):
            patch.setenv(name, str(tmp_path_factory.mktemp("xdg")))
        yield
        assert main(["host", "stop"]) == 0


def place(text: str, offset: int) -> str:
    """`LINE:COL` of a code point, counted from 1."""
    ends = [end.end() for end in LINE_END.finditer(text, 0, offset)]
    return f"{len(ends) + 1}:{offset - (ends[-1] if ends else 0) + 1}"


@pytest.mark.parametrize("name", SOURCES)
def test_no_byte_outside_the_hole_changes(name: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    head, tail = SOURCES[name].split("⟦⟧")
    content = (head + tail).encode()
    path = tmp_path / name
    path.write_bytes(content)
    # A byte order mark is the file's, not the text's: no position counts it.
    text = (head + tail).removeprefix("\ufeff")
    mark = len(content) - len(text.encode())
    filled = 0
    for offset in (0, len(head.removeprefix("\ufeff")), len(text)):
        code = main(["fill", f"{path}:{place(text, offset)}"])
        out = capfdbinary.readouterr().out
        before, after = content[: mark + len(text[:offset].encode())], text[offset:].encode()
        if code == NOTHING_TO_OFFER:
            assert out == b""
            continue
        assert code == 0
        assert out.startswith(before)
        assert out.endswith(after)
        assert len(out) > len(content)
        filled += 1
    assert path.read_bytes() == content
    assert filled > 0


def test_the_same_seed_gives_the_same_answer(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    path = tmp_path / "a.py"
    path.write_text("def add(a, b):\n    return \n")
    answers: list[dict[str, Any]] = []
    for _ in range(2):
        assert main(["fill", f"{path}:2:12", "--json", "--seed", "1", "-n", "2"]) == 0
        answers.append(json.loads(capfdbinary.readouterr().out))
    first, second = answers
    assert first.keys() == {"texts", "candidates", "passes", "ms", "stop_reason"}
    assert first["ms"].keys() == {"queue", "prefill", "denoise", "rank"}
    assert [first[name] for name in ("texts", "candidates", "stop_reason")] == [
        second[name] for name in ("texts", "candidates", "stop_reason")
    ]


def test_the_host_tells_how_it_fares(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    path = tmp_path / "a.py"
    path.write_text("a = \n")
    main(["fill", f"{path}:1:5"])
    capfdbinary.readouterr()
    assert main(["host", "status", "--json"]) == 0
    status = json.loads(capfdbinary.readouterr().out)
    keys = {"state", "pid", "version", "checkpoint", "device", "loads", "requests", "steps_after_cancel_max"}
    assert keys <= status.keys()
    assert (status["state"], status["checkpoint"], status["loads"]) == ("ready", "nano", 1)


def test_as_a_process_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("def add(a, b):\n    return \n")
    run = subprocess.run([COMMAND, "fill", f"{path}:2:12", "--diff", "-v"], capture_output=True, text=True, check=True)
    assert run.stdout.startswith("--- a/")
    assert "\n-    return \n+    return " in run.stdout
    assert "passes of the model" in run.stderr
