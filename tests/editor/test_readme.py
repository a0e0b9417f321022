"""What the READMEs tell a new user to run, with what is installed for the tests in the place of what is downloaded."""

from collections.abc import Iterator

import pytest

from tests.editor.editors import Code, Neovim
from tests.editor.readme import PROGRAM, NewUser, follow_code, follow_neovim, follow_server, new_user, offline


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewUser]:
    """A user who has installed the server as the README says."""
    with new_user(offline(tmp_path_factory.mktemp("offline"))) as user:
        follow_server(user)
        yield user
        user.stop_host(user.home / PROGRAM)


def test_the_server_is_in_an_environment_of_its_own(user: NewUser) -> None:
    assert (user.home / PROGRAM).resolve() == user.home / ".local/share/dgemma-lsp/venv/bin/dgemma-lsp"


def test_neovim_suggests(user: NewUser, neovim: Neovim) -> None:
    follow_neovim(user, neovim)


def test_vscode_suggests(user: NewUser, code: Code) -> None:
    follow_code(user, code)
