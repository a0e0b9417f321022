"""The editors under test; on a machine without them the tests skip with the reason, in CI they fail."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from tests.editor.editors import (
    VSCODE_EXTENSION,
    Code,
    MissingEditorError,
    Neovim,
    find_code,
    find_neovim,
    find_old_neovim,
)

T = TypeVar("T")


def found(find: Callable[[], T]) -> T:
    """What `find` finds; where that is nothing the test is skipped, or in CI failed."""
    try:
        return find()
    except MissingEditorError as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(str(missing))
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def neovim() -> Neovim:
    """A Neovim that the plug-in is for."""
    return found(find_neovim)


@pytest.fixture(scope="session")
def old_neovim() -> Neovim:
    """A Neovim that is too old for the plug-in."""
    return found(find_old_neovim)


@pytest.fixture(scope="session")
def code() -> Code:
    """VS Code in a browser."""
    return found(find_code)


@pytest.fixture(scope="session")
def extension(code: Code) -> Path:
    """The extension for VS Code, built from this tree, as a file to install."""
    # The wheel in it is built with what is installed for the tests, and nothing is downloaded.
    offline = {"PYTHON": sys.executable, "PIP_NO_BUILD_ISOLATION": "false", "PIP_NO_INDEX": "1"}
    environment = {**os.environ, "PATH": code.path, **offline}
    subprocess.run(["npm", "run", "package"], cwd=VSCODE_EXTENSION, env=environment, check=True, capture_output=True)
    return VSCODE_EXTENSION / "dgemma.vsix"
