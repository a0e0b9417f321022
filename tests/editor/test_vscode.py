"""The built extension in a real VS Code in a real browser, against a server whose answers are known."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.editor import package
from tests.editor.editors import Code
from tests.editor.record import Record, scripted
from tests.editor.vscode import CodeSession
from tests.editor.waiting import wait_for

SCRIPT: dict[str, str | None] = {
    "def add(a, b):\n    ": "return a + b",
    "class Point:\n    ": "def __init__(self, x, y):\n        self.x = x\n        self.y = y",
    "print(": "'hello'",
    "naïve = '𝒳' + ": "'é'",
}


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """The scripted server, and what it and VS Code have said."""
    return scripted(tmp_path_factory.mktemp("scripted"), SCRIPT)


@pytest.fixture(scope="module")
def session(
    code: Code, extension: Path, record: Record, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CodeSession]:
    """VS Code with the scripted server named in its settings."""
    server = record.program(tmp_path_factory.mktemp("server"))
    home = tmp_path_factory.mktemp("code")
    with CodeSession(code, extension, home, {"dgemma.server.path": str(server)}) as session:
        session.wait_for_status("ready, scripted")
        yield session


def test_shows_a_suggestion_and_tab_takes_it(session: CodeSession) -> None:
    file = session.open_file("add.py")
    session.do("type", "def add(a, b):\n")
    session.wait_for_ghost(["return a + b"])
    session.screenshot("suggestion")
    session.do("press", "Tab")
    session.wait_for_document(file, "def add(a, b):\n    return a + b")
    assert session.ghost() == []


def test_shows_and_takes_several_lines(session: CodeSession) -> None:
    file = session.open_file("point.py")
    session.do("type", "class Point:\n")
    session.wait_for_ghost(["def __init__(self, x, y):", "        self.x = x", "        self.y = y"])
    session.screenshot("several-lines")
    session.do("press", "Tab")
    lines = ["class Point:", "    def __init__(self, x, y):", "        self.x = x", "        self.y = y"]
    session.wait_for_document(file, "\n".join(lines))


def test_inserts_between_brackets(session: CodeSession) -> None:
    file = session.open_file("print.py")
    session.do("type", "print(")  # VS Code closes the bracket.
    session.wait_for_ghost(["'hello'"])
    session.do("press", "Tab")
    session.wait_for_document(file, "print('hello')")


def test_places_suggestions_behind_wide_characters(session: CodeSession) -> None:
    file = session.open_file("naive.py", "naïve = '𝒳' +")
    session.do("type", " ")
    session.wait_for_ghost(["'é'"])
    session.do("press", "Tab")
    session.wait_for_document(file, "naïve = '𝒳' + 'é'")


def test_tab_is_a_tab_where_nothing_is_suggested(session: CodeSession) -> None:
    file = session.open_file("tab.py")
    session.do("press", "Tab")
    session.wait_for_document(file, "    ")


def test_restart_starts_a_new_server(session: CodeSession, record: Record) -> None:
    session.open_file("restarted.py")
    session.run_command("dgemma: Restart Language Server")
    wait_for(lambda: len(record.sent("initialize")) == 2, "a second server", session.log)
    session.wait_for_status("ready, scripted")
    session.do("type", "print(")
    session.wait_for_ghost(["'hello'"])


def test_offers_to_install_a_server_that_is_not_there(
    code: Code, extension: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "python3").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (programs / "python3").chmod(0o755)
    wheel = package.build(tmp_path, scripted(tmp_path, SCRIPT).command)
    settings = {"dgemma.server.package": str(wheel)}
    with CodeSession(code, extension, tmp_path / "home", settings, programs) as session:
        session.wait_for_status("failed, the language server is not installed")
        session.wait_for_text(".notification-toast", "dgemma-lsp is not installed")
        session.screenshot("offer-to-install")
        session.do("click", '.notification-toast .monaco-button:has-text("Install")')
        session.wait_for_status("ready, scripted")
        file = session.open_file("add.py")
        session.do("type", "def add(a, b):\n")
        session.wait_for_ghost(["return a + b"])
        session.do("press", "Tab")
        session.wait_for_document(file, "def add(a, b):\n    return a + b")
