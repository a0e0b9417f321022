"""The real server with the embedded checkpoint in real editors: what it suggests is what is seen, and what Tab takes.

What a small model suggests is not known beforehand, so the server's answers are recorded on their way to the editor.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.editor import package
from tests.editor.editors import Code, Neovim
from tests.editor.neovim import NeovimSession
from tests.editor.record import Record
from tests.editor.scripted_server import offset
from tests.editor.terminal import COLUMNS
from tests.editor.vscode import CodeSession
from tests.editor.waiting import wait_for
from tests.editor.wire import Message

SERVER = (sys.executable, "-m", "dgemma_lsp", "--checkpoint", "nano", "--device", "cpu")
SHOW_ALL = 100  # nats: however uncertain the model is, what it has to say is shown.
PATIENCE = 60_000  # ms: however slow the machine is.
# None ends in a word, where VS Code offers completions of its own, or in a bracket, which it closes.
LINES = ("total = a + ", "for name in ", "import ", "x = ", "return ")


@pytest.fixture
def home() -> Iterator[Path]:
    """A user's home, and runtime directory, with a path short enough for the host's socket."""
    with tempfile.TemporaryDirectory(prefix="dgemma-") as folder:
        yield Path(folder)
        environment = {**os.environ, "HOME": folder, "XDG_RUNTIME_DIR": folder}
        subprocess.run([*SERVER, "host", "stop"], env=environment, check=True, capture_output=True, timeout=120)


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """The real server, and what it and the editor have said."""
    return Record(tmp_path / "record", SERVER)


def type_until_suggested(
    type_keys: Callable[[str], object], newline: str, record: Record, shown: Callable[[], str]
) -> tuple[str, str]:
    """Types lines of code until something is suggested at the end of one: the text typed, and the suggestion."""
    typed: list[str] = []
    for line in LINES:
        typed.append(line)
        type_keys(line)
        suggestions = record.wait_for_answer((len(typed) - 1, len(line)), shown)
        if suggestions:
            return "\n".join(typed), suggestions[0]
        type_keys(newline)
    raise AssertionError(f"nothing was suggested anywhere in {typed}")


def test_neovim_shows_and_takes_what_the_server_suggests(neovim: Neovim, home: Path, record: Record) -> None:
    shown = f"inline = {{ maxLineNll = {SHOW_ALL}, deadlineMs = {PATIENCE} }}, languages = {{ text = true }}"
    settings = f"vim.lsp.config('dgemma', {{ settings = {{ dgemma = {{ {shown} }} }} }})"
    with NeovimSession(neovim, home, [*record.command, "--stdio"], settings, file="work.txt") as session:
        session.wait_for_server()
        session.press("i")
        typed, suggestion = type_until_suggested(session.press, "\r", record, session.screen)
        first_line = suggestion.split("\n")[0]
        column = session.terminal.cursor()[1]
        session.wait_for_ghost(first_line[: COLUMNS - column].rstrip())
        session.press("\t")
        session.wait_for_buffer(typed + suggestion)


CODE = """def total(price, count):
    if count == 0:
        return 0
    result = price * count
    print(price)
    return result
"""


def edited(text: str, edits: Sequence[Message]) -> str:
    """A text with edits, which stand in order, made."""
    for edit in reversed(edits):
        start, end = (offset(text, edit["range"][side]) for side in ("start", "end"))
        text = text[:start] + edit["newText"] + text[end:]
    return text


def test_neovim_rewrites_what_is_selected(neovim: Neovim, home: Path, record: Record) -> None:
    (home / "work.py").write_text(CODE)
    with NeovimSession(neovim, home, [*record.command, "--stdio"]) as session:
        session.wait_for_server()
        session.wait_for_status("ready")
        session.press("jV2j:Dgemma rewrite simplify\r")
        session.wait_for_screen("hunk 1/")
        session.keep_screen("neovim-real-rewrite")
        assert sum(isinstance(progress["value"], list) for progress in record.told("$/progress")) > 1
        assert session.buffer() + "\n" == CODE
        [answer] = record.results("dgemma/rewrite")
        session.press("\r")
        session.wait_for_buffer(edited(CODE, answer["candidates"][0]["hunks"]).rstrip("\n"))
        session.press("u")
        session.wait_for_buffer(CODE.rstrip("\n"))


def test_neovim_follows_a_rename(neovim: Neovim, home: Path, record: Record) -> None:
    (home / "work.py").write_text(CODE)
    settings = f"vim.lsp.config('dgemma', {{ settings = {{ dgemma = {{ edits = {{ deadlineMs = {PATIENCE} }} }} }} }})"
    with NeovimSession(neovim, home, [*record.command, "--stdio"], settings) as session:
        session.wait_for_server()
        session.wait_for_status("ready")
        session.press("fpcwamount\x1b")
        session.wait_for_screen("→ edit at line 4 (Tab)")
        session.press("\t")
        session.wait_for_screen("priceamount * count")
        session.keep_screen("neovim-real-edit")
        session.press("\t")
        session.wait_for_screen("print(priceamount)")
        session.press("\t")
        session.wait_for_buffer(CODE.replace("price", "amount").rstrip("\n"))


def loads(home: Path) -> int:
    """How often a model has been loaded in this home."""
    return sum(log.read_text().count("model loaded") for log in home.rglob("host-*.log"))


def test_neovim_shows_the_log_of_the_host_and_restarts_it(neovim: Neovim, home: Path) -> None:
    with NeovimSession(neovim, home, [*SERVER, "--stdio"]) as session:
        session.wait_for_server()
        session.wait_for_status("ready")
        session.press(":Dgemma log\r")
        session.wait_for_screen("model loaded")
        session.press(":q\r:Dgemma! restart\r")
        # The states between may pass too fast to be seen; the log keeps what has happened.
        wait_for(lambda: loads(home) == 2, "a second load", session.screen)
        session.press(":Dgemma log\r")
        wait_for(lambda: session.screen().count("model loaded") == 2, "a second load in the log", session.screen)


def test_vscode_shows_and_takes_what_the_server_suggests(
    code: Code, extension: Path, home: Path, record: Record, tmp_path: Path
) -> None:
    record.program(tmp_path)
    settings = {
        "dgemma.inline.maxLineNll": SHOW_ALL,
        "dgemma.inline.deadlineMs": PATIENCE,
        "dgemma.languages": {"plaintext": True},
    }
    with CodeSession(code, extension, home, settings, programs=tmp_path) as session:
        session.wait_for_status("ready")
        file = session.open_file("work.txt")

        def type_keys(keys: str) -> None:
            session.do("type", keys)

        typed, suggestion = type_until_suggested(type_keys, "\n", record, session.log)
        session.wait_for_ghost(suggestion.split("\n"))
        session.screenshot("real-server")
        session.do("press", "Tab")
        session.wait_for_document(file, typed + suggestion)
        session.choose_from_menu("Show Log of the Engine Host")
        session.wait_for_text(".tab.active", "Engine Host.log")
        session.wait_for_text(".view-line", "model loaded")
        session.screenshot("host-log")
        assert session.texts(".tab.dirty") == []
        lines = [line.split(" ", 2)[2] for line in session.extension_log().splitlines()]
        assert len(lines) == len(set(lines))
        assert [line for line in lines if not line.startswith("[info]")] == []


def test_vscode_rewrites_and_follows_a_rename(
    code: Code, extension: Path, home: Path, record: Record, tmp_path: Path
) -> None:
    record.program(tmp_path)
    settings = {
        "dgemma.edits.deadlineMs": PATIENCE,
        "dgemma.inline.automatic": False,
        "editor.quickSuggestions": False,
    }
    stable = package.without_proposals(extension, tmp_path)
    with CodeSession(code, stable, home, settings, programs=tmp_path) as session:
        session.wait_for_status("ready")
        file = session.open_file("rewritten.py", CODE)
        session.select_lines(1, 6)
        session.ask_for_rewrite("simplify")
        session.wait_for(lambda: bool(record.results("dgemma/rewrite")), "the answer")
        [answer] = record.results("dgemma/rewrite")
        session.wait_for(lambda: "Retry Alt+\\" in session.lenses(), "the review")
        session.screenshot("real-rewrite")
        assert len(record.told("$/progress")) > 1
        session.do("press", "Control+Enter")
        session.wait_for_document(file, edited(CODE, answer["candidates"][0]["hunks"]))

        file = session.open_file("renamed.py", CODE)
        session.type_over(0, 10, 5, "amount")
        session.wait_for(lambda: "→ Edit at line 4 (Tab)" in session.attached(), "the next place")
        session.screenshot("real-edit")
        session.do("press", "Tab")
        session.wait_for(lambda: "Tab" in session.attached(), "the edit")
        session.do("press", "Tab")
        session.wait_for_text(".view-line", "amount * count")
        session.wait_for(lambda: "Tab" in session.attached(), "the edit after it")
        session.do("press", "Tab")
        session.wait_for_document(file, CODE.replace("price", "amount"))
