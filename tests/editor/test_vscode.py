"""The built extension in a real VS Code in a real browser, against a server whose answers are known."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.editor import package
from tests.editor.editors import Code
from tests.editor.record import Record, scripted
from tests.editor.scripted_server import Script
from tests.editor.vscode import EDITOR, ROW, STATUS, STATUS_BAR, TOAST, CodeSession
from tests.editor.waiting import wait_for

SCRIPT: Script = {
    "def add(a, b):\n    ": "return a + b",
    "class Point:\n    ": "def __init__(self, x, y):\n        self.x = x\n        self.y = y",
    "print(": "'hello'",
    "naïve = '𝒳' + ": "'é'",
    "loaded(": "'at last'",
}


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """The scripted server, and what it and VS Code have said."""
    return scripted(tmp_path_factory.mktemp("scripted"), SCRIPT, loading=["loaded("])


@pytest.fixture(scope="module")
def session(
    code: Code, extension: Path, record: Record, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CodeSession]:
    """VS Code with the scripted server named in its settings."""
    home = tmp_path_factory.mktemp("code")
    (home / "server").mkdir()
    record.program(home / "server")
    with CodeSession(code, extension, home, {"dgemma.server.path": "~/server/dgemma-lsp"}) as session:
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


def test_tells_the_server_of_another_line_once_the_cursor_rests_there(session: CodeSession, record: Record) -> None:
    session.open_file("moved.py")
    session.do("type", "one\ntwo")

    def lines() -> list[int]:
        told = record.sent("dgemma/didMoveCursor")
        return [each["position"]["line"] for each in told if each["textDocument"]["uri"].endswith("moved.py")]

    session.wait_for(lambda: lines()[-1:] == [1], "the cursor's line")
    told = len(lines())
    session.do("press", "Home")
    session.do("press", "ArrowUp")
    session.wait_for(lambda: len(lines()) > told, "its next line")
    assert lines()[told:] == [0]


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
    def opened() -> int:
        opened = record.sent("textDocument/didOpen")
        return sum(parameters["textDocument"]["uri"].endswith("restarted.py") for parameters in opened)

    session.open_file("restarted.py")
    wait_for(lambda: opened() == 1, "the file in the first server", session.log)
    session.run_command("dgemma: Restart Language Server")
    wait_for(lambda: len(record.sent("initialize")) == 2 and opened() == 2, "the file in a second server", session.log)
    session.wait_for_status("ready, scripted")
    session.do("type", "print(")
    session.wait_for_ghost(["'hello'"])


def test_says_why_nothing_is_suggested(session: CodeSession) -> None:
    session.open_file("silent.py")
    session.do("type", "x = ")
    session.wait_for_status("ready, scripted; nothing in the script")
    session.do("hover", STATUS.format(""))
    session.wait_for_text(".monaco-hover", "No suggestion last time: nothing in the script")
    session.screenshot("silence")
    session.do("type", "print(")
    session.wait_for_ghost(["'hello'"])
    session.wait_for_status("ready, scripted")


def test_what_was_typed_while_the_model_was_loaded_is_asked_for_again(session: CodeSession, record: Record) -> None:
    session.open_file("loaded.py")
    session.do("type", "loaded(")
    session.wait_for_ghost(["'at last'"])
    assert record.kinds()[-2:] == [2, 2]


def test_pauses_from_the_status_bar_until_resumed(session: CodeSession) -> None:
    file = session.open_file("paused.py")
    session.choose_from_menu("Pause for 10 Minutes")
    session.wait_for_status("ready, scripted; paused until")
    session.do("click", EDITOR)
    session.do("type", "print(")
    session.wait_for_document(file, "print()")
    assert session.ghost() == []
    session.choose_from_menu("Suggest Now")
    session.wait_for_ghost(["'hello'"])
    session.do("press", "Escape")
    session.choose_from_menu("Resume Suggestions")
    session.wait_for_status("ready, scripted")
    session.do("click", EDITOR)
    session.do("press", "Control+End")
    session.do("type", "\nprint(")
    session.wait_for_ghost(["'hello'"])


def test_turns_a_language_off_in_the_settings(session: CodeSession) -> None:
    session.open_file("switched.py")
    session.choose_from_menu("Turn Off for python")
    session.wait_for_settings({"dgemma.languages": {"python": False}})
    session.choose_from_menu("Turn On for python")
    session.wait_for_settings({"dgemma.languages": {"python": True}})


def test_keys_take_a_word_and_a_line_and_ask(session: CodeSession) -> None:
    file = session.open_file("keys.py")
    session.do("type", "class Point:\n")
    session.wait_for_ghost(["def __init__(self, x, y):", "        self.x = x", "        self.y = y"])
    session.do("press", "Control+ArrowDown")
    session.wait_for_document(file, "class Point:\n    def __init__(self, x, y):\n")
    session.do("press", "Escape")
    asked = session.open_file("asked.py", "print(")
    session.do("press", "Alt+\\")
    session.wait_for_ghost(["'hello'"])
    session.do("press", "Control+ArrowRight")
    session.wait_for_document(asked, "print('")


def test_first_steps_are_shown(session: CodeSession) -> None:
    session.run_command("dgemma: Get Started")
    session.wait_for_text(".getting-started-step", "Type, or ask for a suggestion")
    session.do("click", '.getting-started-step:has-text("Type, or ask")')
    session.screenshot("get-started")
    session.do("click", '.getting-started-step .monaco-button:has-text("Open a New Python File")')
    session.wait_for_text(STATUS_BAR, "Python")  # In a file of no language nothing comes unasked.
    session.do("type", "print(")
    session.wait_for_ghost(["'hello'"])


PYTHON = """#!/bin/sh
for word in "$@"; do
    if [ "$word" = venv ] && [ -e {hold} ]; then
        . {hold}
    fi
done
exec {python} "$@"
"""


def test_installs_the_server_that_it_holds(
    code: Code, extension: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    programs, hold, home = tmp_path / "programs", tmp_path / "hold", tmp_path / "home"
    programs.mkdir()
    (programs / "python3").write_text(PYTHON.format(hold=hold, python=sys.executable))
    (programs / "python3").chmod(0o755)
    wheel = package.build(tmp_path, scripted(tmp_path, SCRIPT).command)
    with CodeSession(code, package.exchange(extension, wheel), home, {}, programs) as session:

        def install() -> None:
            session.run_command("dgemma: Install Language Server")
            session.wait_for_text(ROW, "1.3 GB")
            session.screenshot("install-choice")
            session.do("click", f'{ROW}:has-text("1.3 GB")')

        storage = home / "data" / "User" / "globalStorage" / "dgemma-lsp.dgemma"

        def environments() -> list[Path]:
            return list(storage.glob("environment-*"))

        session.wait_for_status("failed, the language server is not installed")
        session.wait_for_text(TOAST, "language server is not installed")
        session.screenshot("offer-to-install")

        hold.write_text(f'mkdir -p "$3"; touch {tmp_path / "begun"}; sleep 600\n')
        install()
        wait_for((tmp_path / "begun").exists, "the environment to be made", session.log)
        session.screenshot("installing")
        session.do("click", f'{TOAST} .monaco-button:has-text("Cancel")')
        wait_for(lambda: not environments(), "nothing to be left", session.log)

        hold.write_text('mkdir -p "$3"; echo no space left >&2; exit 3\n')
        install()
        session.wait_for_text(TOAST, "could not be installed: no space left")
        session.screenshot("install-failed")
        assert environments() == []

        hold.write_text('mkdir -p "$3"; echo "WARNING: Retrying (Retry(total=0))"; echo ERROR: no such thing; exit 1\n')
        install()
        session.wait_for_text(TOAST, "could not be installed: the Python package index cannot be reached")

        hold.unlink()
        install()
        session.wait_for_status("ready, scripted")
        assert len(environments()) == 1
        session.open_file("add.py")
        session.do("type", "def add(a, b):\n")
        session.wait_for_ghost(["return a + b"])

        record = json.loads((storage / "installed.json").read_text())
        (storage / "installed.json").write_text(json.dumps({**record, "wheel": "of another build"}))
        session.run_command("dgemma: Restart Language Server")
        session.wait_for_text(TOAST, "of another version than the extension")
        session.screenshot("offer-to-update")


def test_finds_the_server_in_the_home_directory(code: Code, extension: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    folder = home / ".local" / "bin"
    folder.mkdir(parents=True)
    scripted(tmp_path, SCRIPT).program(folder)
    with CodeSession(code, extension, home, {}) as session:
        session.wait_for_status("ready, scripted")


@pytest.mark.parametrize("name", ["nowhere/dgemma-lsp", "."])
def test_says_that_the_named_server_is_not_there(code: Code, extension: Path, tmp_path: Path, name: str) -> None:
    missing = tmp_path / name
    with CodeSession(code, extension, tmp_path / "home", {"dgemma.server.path": str(missing)}) as session:
        session.wait_for_status(f"failed, there is no program {missing}")
        session.wait_for_text(TOAST, f"there is no program {missing}, which the setting dgemma.server.path names")
        session.screenshot("server-missing")
        session.run_command("dgemma: Show Log of the Engine Host")
        session.wait_for_text(TOAST, "there is no log of the engine host: the language server is not installed")


def test_says_once_that_the_server_cannot_be_started(code: Code, extension: Path, tmp_path: Path) -> None:
    broken = tmp_path / "dgemma-lsp"
    broken.write_text("#!/bin/sh\necho Traceback >&2\necho no module named torch >&2\nexit 1\n")
    broken.chmod(0o755)
    with CodeSession(code, extension, tmp_path / "home", {"dgemma.server.path": str(broken)}) as session:
        session.wait_for_text(TOAST, "the language server could not be started")
        session.wait_for_status("failed, the language server is not running")
        session.screenshot("server-broken")
        assert len(session.texts(TOAST)) == 1
        assert "no module named torch" in session.extension_log()
        session.run_command("dgemma: Show Log of the Engine Host")
        session.wait_for_text(TOAST, "there is no log of the engine host: no module named torch")


def test_a_server_that_ends_is_started_anew_until_it_keeps_ending(code: Code, extension: Path, tmp_path: Path) -> None:
    record = scripted(tmp_path, SCRIPT, {"end": {"fault": ""}})
    settings = {"dgemma.server.path": str(record.program(tmp_path))}
    with CodeSession(code, extension, tmp_path / "home", settings) as session:
        session.open_file("ends.py", "x = 1\n")
        for ends in range(5):
            session.wait_for_status("ready, scripted")
            wait_for(lambda ends=ends: len(record.sent("initialize")) == ends + 1, "another server", session.log)
            session.ask_for_rewrite("end")
            session.wait_for_text(TOAST, "Not rewritten: the language server has ended")
            session.run_command("Notifications: Clear All Notifications")
        session.wait_for_status("failed, the language server is not running")
        session.ask_for_rewrite("end")
        session.wait_for_text(TOAST, "Not rewritten: the language server is not running")
        session.screenshot("server-ended")
        session.do("click", f'{TOAST} .monaco-button:has-text("Restart")')
        session.wait_for_status("ready, scripted")


def test_says_once_why_there_is_no_engine(code: Code, extension: Path, tmp_path: Path) -> None:
    record = scripted(tmp_path, SCRIPT, failure="There is no checkpoint directory /nowhere.")
    settings = {"dgemma.server.path": str(record.program(tmp_path))}
    with CodeSession(code, extension, tmp_path / "home", settings) as session:
        session.wait_for_text(TOAST, "There is no checkpoint directory /nowhere.")
        session.wait_for_status("failed, There is no checkpoint directory /nowhere.")
        session.wait_for(lambda: bool(record.results("dgemma/status")), "the status that was asked for")
        session.screenshot("engine-failed")
        assert len(session.texts(TOAST)) == 1
