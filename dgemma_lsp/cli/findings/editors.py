"""The editors on this machine, and whether they are new enough."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator

from dgemma_lsp.cli.findings.finding import Finding

EDITORS = {"nvim": ((0, 12), "Neovim"), "code": ((1, 91), "VS Code")}
EDITOR_TIMEOUT_S = 10.0


def examine_editors() -> Iterator[Finding]:
    """One finding an editor, there or not."""
    for command, (oldest, name) in EDITORS.items():
        yield _editor(command, name, oldest)


def _editor(command: str, name: str, oldest: tuple[int, int]) -> Finding:
    path = shutil.which(command)
    if path is None:
        return Finding(name=name, verdict="note", detail=f"no {command} on PATH")
    try:
        run = subprocess.run(  # noqa: S603 - the user's own editor
            [path, "--version"], capture_output=True, text=True, timeout=EDITOR_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding(name=name, verdict="note", detail=f"{path} does not tell its version: {error}")
    numbers = re.search(r"(\d+)\.(\d+)(?:\.\d+)?", run.stdout)
    if numbers is None:
        return Finding(name=name, verdict="note", detail=f"{path} does not tell its version")
    if (int(numbers[1]), int(numbers[2])) < oldest:
        wanted = ".".join(map(str, oldest))
        return Finding(
            name=name, verdict="note", detail=f"{numbers[0]} is too old", remedy=f"install {name} {wanted} or newer"
        )
    return Finding(name=name, verdict="ok", detail=f"{numbers[0]} ({path})")
