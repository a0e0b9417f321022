"""The commands beside `fill`: wrong usage, `host` where there is none, and what `doctor` finds."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch

from dgemma_lsp.__main__ import main
from engine import nano
from engine.errors import EngineError
from tests.command import COMMAND


@pytest.fixture(autouse=True)
def directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Directories for runtime files, logs, caches and data in which nothing has been left."""
    for name in ("XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path))


def findings(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, dict[str, Any]]]:
    code = main(["doctor", "--json", *options])
    return code, {finding["name"]: finding for finding in json.loads(capsys.readouterr().out)["findings"]}


@pytest.mark.parametrize(
    ("words", "program"),
    [
        (["--stdio", "doctor"], "dgemma-lsp"),
        (["no-such-command"], "dgemma-lsp"),
        (["fill"], "dgemma-lsp fill"),
        (["fill", "a.py:1:1", "--slow"], "dgemma-lsp"),
        (["host", "restart"], "dgemma-lsp host"),
        (["fill", "a.py:1:1", "--instruction", " "], "dgemma-lsp fill"),
        (["fill", "a.py:1:1", "--engine", "localhost:8000"], "dgemma-lsp fill"),
        (["--engine", "http://localhost:port", "host"], "dgemma-lsp"),
    ],
)
def test_wrong_usage_is_one_line_with_a_hint(
    words: list[str], program: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(words)
    out, err = capsys.readouterr()
    assert (exit_.value.code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"{program}: ")
    assert err.endswith(f" (see {program} --help)\n")


def test_no_command_at_all_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert capsys.readouterr().err.startswith("usage: dgemma-lsp")


@pytest.mark.parametrize("command", ["fill", "host", "pull", "doctor"])
def test_a_commands_help_is_about_its_own_options(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    shown = capsys.readouterr().out
    assert "--quantization" not in shown
    assert "Engine and general options: dgemma-lsp --help" in shown
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "--quantization" in capsys.readouterr().out


def test_an_input_that_is_closed_is_an_editor_that_has_left() -> None:
    run = subprocess.run(["sh", "-c", '"$0" --stdio <&-', COMMAND], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (1, "")


@pytest.mark.parametrize("closed", [">&-", "> /dev/full"])
@pytest.mark.parametrize("words", ["host status --json", "host stop", "--version", "--help", "doctor --help"])
def test_an_output_that_takes_nothing_is_one_line_and_an_error(closed: str, words: str) -> None:
    run = subprocess.run(["sh", "-c", f'"$0" {words} {closed}', COMMAND], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stderr.startswith("dgemma-lsp: ")
    assert run.stderr.count("\n") == 1


def test_a_terminal_gets_doctors_findings_in_a_table_with_colours(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    assert main(["doctor", "--checkpoint", "no/such"]) == 1
    shown = capsys.readouterr().out
    assert "\x1b[32mok" in shown
    assert "\x1b[1;31mproblem" in shown
    assert "\N{RIGHTWARDS ARROW}" not in shown.split("dgemma-lsp pull no/such")[1].split("\n")[1]
    assert main(["doctor", "--json"]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["--version"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out.startswith("dgemma-lsp ")


@pytest.mark.parametrize(
    ("action", "code", "message"),
    [
        ("status", 1, "no host runs"),
        ("stop", 0, "no host runs"),
        ("log", 1, "no host has run here yet, so there is no log"),
    ],
)
def test_host_where_there_is_none(action: str, code: int, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["host", action]) == code
    captured = capsys.readouterr()
    assert message in captured.out + captured.err


def test_host_log_prints_the_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["host", "log"])
    path = Path(capsys.readouterr().err.split("no log ")[1].strip())
    assert path.is_relative_to(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_text("one line\n")
    assert main(["host", "log"]) == 0
    assert capsys.readouterr().out == "one line\n"


def test_doctor_finds_an_installation_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = findings(capsys)
    assert code == 0
    assert {name: found[name]["verdict"] for name in ("python", "packages", "checkpoint", "runtime directory")} == {
        "python": "ok",
        "packages": "ok",
        "checkpoint": "ok",
        "runtime directory": "ok",
    }
    assert "nano" in found["checkpoint"]["detail"]
    assert found["host"]["detail"] == "none runs; the first request starts one"


def test_doctor_names_a_checkpoint_that_is_not_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(nano.DIRECTORY, broken)
    shard = sorted(broken.glob("*.safetensors"))[0]
    shard.write_bytes(shard.read_bytes()[:1000])
    code, found = findings(capsys, "--checkpoint", str(broken))
    assert code == 1
    assert found["checkpoint"]["verdict"] == "problem"
    assert shard.name in found["checkpoint"]["detail"]
    assert found["checkpoint"]["remedy"]


def test_doctor_names_a_runtime_directory_that_cannot_be_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dgemma-lsp").touch()
    code, found = findings(capsys)
    assert code == 1
    assert found["runtime directory"]["verdict"] == "problem"
    assert "XDG_RUNTIME_DIR" in found["runtime directory"]["remedy"]


@pytest.mark.parametrize(
    ("says", "verdict", "detail"),
    [
        ("NVIM v0.12.4", "ok", "0.12.4 ("),
        ("NVIM v0.11.5", "note", "0.11.5 is too old"),
        ("nothing", "note", "does not tell its version"),
        (None, "note", "no nvim on PATH"),
    ],
)
def test_doctor_looks_at_the_editors(
    says: str | None,
    verdict: str,
    detail: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if says is not None:
        nvim = tmp_path / "nvim"
        nvim.write_text(f"#!/bin/sh\necho {says}\n")
        nvim.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = findings(capsys)[1]["Neovim"]
    assert found["verdict"] == verdict
    assert detail in found["detail"]


def test_doctor_says_what_does_not_fit(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("engine.placement.devices.main_memory_bytes", lambda: 10**8)
    code, found = findings(capsys, "--device", "cpu")
    assert code == 1
    assert found["fit"]["verdict"] == "problem"
    assert "main memory has 0.1 GB free, and it needs 0.4 GB unquantized" in found["fit"]["detail"]


def test_doctor_tells_a_driver_from_a_pytorch_without_cuda(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 580.12\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    code, found = findings(capsys, "--device", "cuda")
    assert code == 1
    assert found["device"]["verdict"] == "problem"
    assert "sees no GPU, though there is a driver, 580.12" in found["device"]["detail"]
    assert "no usable CUDA device" in found["fit"]["detail"]


def test_doctor_says_where_a_card_cannot_be_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(_index: int) -> None:
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    monkeypatch.setattr("torch.cuda.mem_get_info", full)
    code, found = findings(capsys, "--device", "cpu")
    assert code == 1
    assert found["device"]["detail"].startswith("GPU memory ran out")
    assert found["fit"]["verdict"] == "ok"


def test_doctor_says_where_triton_does_not_work(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def card(*_: object) -> torch.device:
        return torch.device("cuda", 0)

    def fault(_card: torch.device) -> str:
        return "Triton does not work here"

    def not_planned(*_: object) -> None:
        raise EngineError("nothing is planned here.")

    monkeypatch.setattr("engine.placement.devices.find_device", card)
    monkeypatch.setattr("engine.quant.packed_product.kernel_fault", fault)
    monkeypatch.setattr("dgemma_lsp.cli.findings.machine.plan_for", not_planned)
    found = findings(capsys)[1]["Triton"]
    assert found["verdict"] == "note"
    assert found["detail"].startswith("Triton does not work here;")
    assert "gcc and python3-dev" in found["remedy"]


@pytest.mark.parametrize(("name", "word"), [("darwin", "macOS: runs on the CPU"), ("win32", "Windows: not tested")])
def test_doctor_has_a_word_on_platforms(
    name: str, word: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("dgemma_lsp.cli.findings.machine.PLATFORM", name)
    assert findings(capsys)[1]["platform"]["detail"].startswith(word)


def test_doctor_finds_a_cache_that_is_not_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert findings(capsys)[1]["quantized weights"]["detail"].startswith("none in ")
    cache = tmp_path / "dgemma-lsp" / "quantized" / "int4-0123456789abcdef"
    cache.mkdir(parents=True)
    code, found = findings(capsys)
    assert code == 0
    assert found["quantized weights"]["detail"] == f"{cache} is not whole"


def test_doctor_reports_settings_that_are_not_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "settings.toml"
    config.write_text("colour = 1\n")
    code, found = findings(capsys, "--config", str(config))
    assert code == 0
    assert found["settings"]["detail"] == f"{config}: colour: unknown setting"


def test_doctor_prints_a_line_a_finding(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--checkpoint", "none/such"]) == 1
    out = capsys.readouterr().out
    assert "\nok      python: " in out
    assert "\nproblem checkpoint: none/such is not on this machine" in out
