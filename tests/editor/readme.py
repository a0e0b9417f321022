"""What the READMEs tell a new user to run, run literally in an empty home directory: `python -m tests.editor.readme`.

Run so it downloads what a user downloads, some gigabytes in some minutes; the tests run the same with what is installed
for them. Either ends with both editors showing a suggestion of the embedded checkpoint.
"""

import contextlib
import logging
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping
from pathlib import Path

from tests.editor.editors import NEOVIM_PLUGIN, REPOSITORY, VSCODE_EXTENSION, Code, Neovim, find_code, find_neovim
from tests.editor.neovim import RunningNeovim
from tests.editor.vscode import ROW, TOAST, CodeSession, command_line
from tests.editor.waiting import wait_for

logger = logging.getLogger(__name__)

BLOCK = re.compile(r"^( *)```sh\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".cache", "node_modules", "dist", "*.vsix", "__pycache__", "screens")
BUILT = VSCODE_EXTENSION / "server"
"""What packaging the extension leaves there; a folder of its source is called so, too."""
INSTALL_LIMIT_S = 900.0
TYPED = "for name in "
PROGRAM = Path(".local/bin/dgemma-lsp")
"""Where in a user's home the README puts the server."""


def commands(readme: Path, heading: str = "## Install") -> list[str]:
    """The shell commands under a heading, a block each."""
    text = readme.read_text().split(f"\n{heading}\n")[1].split("\n## ")[0]
    return [re.sub(f"^{indent}", "", block, flags=re.MULTILINE) for indent, block in BLOCK.findall(text)]


def offline(folder: Path) -> dict[str, str]:
    """An environment in which pip and npm find what is installed for the tests, and look nowhere else."""
    packages = folder / "packages"
    packages.mkdir()
    for site in (Path(entry) for entry in sys.path if entry.endswith("site-packages")):
        for package in site.iterdir():
            # The server itself is what the user installs.
            if not re.search(r"dgemma.lsp|\.pth$", package.name) and not (packages / package.name).exists():
                (packages / package.name).symlink_to(package)
    cache = subprocess.run(["npm", "config", "get", "cache"], capture_output=True, text=True, check=True).stdout.strip()
    npm = {"npm_config_cache": cache, "npm_config_offline": "true"}
    return {"PYTHONPATH": str(packages), "PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "false", **npm}


class NewUser:
    """Somebody with an empty home directory, in which lies a clone of this repository.

    environment: what is set beside what this process has.
    """

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self.home = home
        self.clone = home / "clone"
        shutil.copytree(REPOSITORY, self.clone, ignore=LEFT_OUT)
        shutil.rmtree(self.clone / BUILT.relative_to(REPOSITORY), ignore_errors=True)
        self.programs = home.with_name(home.name + "-programs")
        self.programs.mkdir()
        # The Python beneath the tests' own environment, under the name by which a user knows it.
        python = shlex.quote(str(Path(sys.base_prefix) / "bin" / "python3"))
        self.add_program("python3", f'exec {python} "$@"')
        user = {"HOME": str(home), "XDG_RUNTIME_DIR": str(home)}
        path = f"{self.programs}{os.pathsep}{os.environ['PATH']}"
        hidden = ("XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "VIRTUAL_ENV")
        inherited = {name: value for name, value in os.environ.items() if name not in hidden}
        self.environment = {**inherited, **environment, **user, "PATH": path}

    def add_program(self, name: str, script: str) -> None:
        """Puts a shell script on this user's `PATH`."""
        program = self.programs / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    def run(self, block: str, folder: Path | None = None) -> None:
        """Types a block of commands, in the clone unless a folder is named."""
        logger.info("%s", block)
        command = ["bash", "-euo", "pipefail", "-c", block]
        subprocess.run(command, cwd=folder or self.clone, env=self.environment, check=True)

    def stop_host(self, program: Path) -> None:
        """Ends the engine host that the editors have started."""
        self.run(f"{program} host stop")


@contextlib.contextmanager
def new_user(environment: Mapping[str, str] | None = None) -> Generator[NewUser]:
    """A new user, with a home whose path is short enough for the host's socket, and which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="dgemma-", ignore_cleanup_errors=True) as folder:
        home = Path(folder) / "home"
        home.mkdir()
        yield NewUser(home, environment or {})


def follow_server(user: NewUser) -> None:
    """Installs the server in an environment of its own, as the first block of the README says."""
    user.run(commands(REPOSITORY / "README.md")[0])


def follow_neovim(user: NewUser, neovim: Neovim) -> None:
    """Installs the plug-in, which finds the server, and asks for a suggestion."""
    variables = " ".join(f"{name}={shlex.quote(value)}" for name, value in neovim.environment.items())
    user.add_program("nvim", f'{variables} exec {shlex.quote(str(neovim.program))} "$@"')
    for block in commands(NEOVIM_PLUGIN / "README.md"):
        user.run(block)
    with RunningNeovim(neovim, user.home, user.environment) as session:
        session.wait_for_server()
        session.wait_for_status("ready")
        session.press(f"i{TYPED}")
        session.wait_for_screen(TYPED.rstrip())
        session.press("\x1b\\")  # Alt with the backslash.
        wait_for(session.ghost, "a suggestion", session.screen)


def follow_code(user: NewUser, code: Code) -> None:
    """Builds and installs the extension, which finds the server, and asks for a suggestion."""
    user.add_program("code", f'exec {shlex.join(command_line(code, user.home))} "$@"')
    for block in commands(VSCODE_EXTENSION / "README.md"):
        user.run(block)
    with CodeSession(code, None, user.home, {}, user.programs, user.environment) as session:
        session.wait_for_status("ready")
        _ask(session)


def _ask(session: CodeSession) -> None:
    session.open_file("work.py", TYPED)
    session.do("press", "Alt+\\")
    wait_for(session.ghost, "a suggestion", session.log)


def follow_code_alone(user: NewUser, code: Code, extension: Path) -> None:
    """Has the extension install the server, without a GPU."""
    with CodeSession(code, extension, user.home, {}, user.programs, user.environment) as session:
        session.wait_for_text(TOAST, "language server is not installed")
        session.do("click", f'{TOAST} .monaco-button:has-text("Install")')
        session.wait_for_text(ROW, "1.3 GB")
        session.do("click", f'{ROW}:has-text("1.3 GB")')
        session.wait_for_status("ready", INSTALL_LIMIT_S)
        _ask(session)
    (program,) = user.home.glob("data/User/globalStorage/*/environment-*/bin/dgemma-lsp")
    user.stop_host(program)


def follow_pipx(user: NewUser) -> None:
    """Installs the server with pipx, as the second block of the README says."""
    user.run("python3 -m venv venv && venv/bin/pip install pipx", user.programs)
    user.add_program("pipx", f'exec {user.programs}/venv/bin/pipx "$@"')
    user.run(commands(REPOSITORY / "README.md")[1])
    user.run(f"~/{PROGRAM} doctor")


def main() -> None:
    """Follows them all, one new user after the other, with what the registries have."""
    code, neovim = find_code(), find_neovim()
    with new_user() as user:
        logger.info("# README.md, in an environment of its own")
        follow_server(user)
        logger.info("# Neovim")
        follow_neovim(user, neovim)
        logger.info("# VS Code, where the server is installed")
        follow_code(user, code)
        user.stop_host(user.home / PROGRAM)
        logger.info("# VS Code, where it is not")
        with new_user() as other:
            follow_code_alone(other, code, user.clone / "editors" / "vscode" / "dgemma.vsix")
    with new_user() as user:
        logger.info("# README.md, with pipx")
        follow_pipx(user)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    main()
