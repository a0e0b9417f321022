"""The plug-in in a real Neovim, against a server whose answers are known."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.editor.editors import Neovim
from tests.editor.neovim import NeovimSession
from tests.editor.record import Record, scripted
from tests.editor.waiting import wait_for

SCRIPT = {
    "def add(a, b):\n    ": "return a + b",
    "def add(a, b):\n    retur": None,
    "class Point:\n    ": "def __init__(self, x, y):\n        self.x = x\n        self.y = y",
    "print(": "'hello'",
    "print": None,
    "print(x": None,
    "print(\n": None,
    "primary private pri": "nt",
    "naïve = '𝒳' + ": "'é'",
}

SET_TAB = "vim.keymap.set('i', '<Tab>', %s)"
OF_THE_BUFFER = "vim.cmd.autocmd([[FileType * lua %s]])"

Start = Callable[..., NeovimSession]


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """The scripted server, and what it and Neovim have said."""
    return scripted(tmp_path, SCRIPT)


@pytest.fixture
def start(neovim: Neovim, tmp_path: Path, record: Record) -> Iterator[Start]:
    """Starts Neovim on an empty Python file; `lua` is what else the user has in `init.lua`."""
    with contextlib.ExitStack() as sessions:

        def start(lua: str = "") -> NeovimSession:
            session = sessions.enter_context(NeovimSession(neovim, tmp_path / "home", record.command, lua))
            session.wait_for_server()
            return session

        yield start


def test_shows_a_suggestion_and_tab_takes_it(start: Start) -> None:
    session = start()
    session.press("idef add(a, b):\r")
    session.wait_for_ghost("return a + b")
    assert session.buffer() == "def add(a, b):\n    "
    session.press("\t")
    session.wait_for_buffer("def add(a, b):\n    return a + b")
    session.wait_for_ghost("")
    session.press("  # done")
    session.wait_for_buffer("def add(a, b):\n    return a + b  # done")


def test_shows_and_takes_several_lines(start: Start) -> None:
    session = start()
    session.press("iclass Point:\r")
    session.wait_for_ghost("def __init__(self, x, y):")
    lines = ["    def __init__(self, x, y):", "        self.x = x", "        self.y = y"]
    assert session.terminal.lines()[1:4] == lines
    session.press("\t")
    session.wait_for_buffer("\n".join(["class Point:", *lines]))


def test_inserts_in_front_of_what_is_to_the_right(start: Start) -> None:
    session = start()
    session.press("i)\x1b" + "iprint(")
    session.wait_for_ghost("'hello')")
    session.press("\t")
    session.wait_for_buffer("print('hello')")


def test_keys_typed_ahead_come_after_what_tab_takes(start: Start) -> None:
    session = start()
    session.press("iprint(")
    session.wait_for_ghost("'hello'")
    session.press("\t, 'you')")
    session.wait_for_buffer("print('hello', 'you')")


def test_places_suggestions_behind_wide_characters(start: Start) -> None:
    session = start()
    session.press("inaïve = '𝒳' + ")
    session.wait_for_ghost("'é'")
    session.press("\t")
    session.wait_for_buffer("naïve = '𝒳' + 'é'")


def test_typing_along_takes_only_the_rest(start: Start) -> None:
    # The request for what is typed here is never answered, so the first suggestion stays.
    session = start()
    session.press("idef add(a, b):\r")
    session.wait_for_ghost("return a + b")
    session.press("retur")
    session.wait_for_ghost("n a + b")
    session.press("\t")
    session.wait_for_buffer("def add(a, b):\n    return a + b")


@pytest.mark.parametrize(
    ("keys", "buffer", "place"),
    [
        pytest.param("x", "print(x)", (0, 7), id="something else"),
        pytest.param("\x7f", "print)", (0, 5), id="deleted"),
        pytest.param("\x1b[D", "print()", (0, 5), id="moved left"),
        pytest.param("\r", "print(\n)", (1, 0), id="new line"),
    ],
)
def test_leaving_a_suggestion_takes_it_down(
    start: Start, record: Record, keys: str, buffer: str, place: tuple[int, int]
) -> None:
    # The server holds back what it has to say to these places, so it is not its answer that takes anything down.
    session = start("vim.cmd('filetype indent off')")
    session.press("i)\x1b" + "iprint(")
    session.wait_for_ghost("'hello')")
    session.press(keys)
    wait_for(lambda: "hello" not in session.screen(), "the suggestion to go", session.screen)
    assert session.buffer() == buffer
    wait_for(lambda: record.asked_at() == place, "a request for this place", session.screen)
    session.press("\t.")
    wait_for(lambda: "." in session.buffer(), "what is typed then", session.screen)
    assert "hello" not in session.buffer()


def test_a_superseded_answer_leaves_what_is_shown(start: Start, record: Record) -> None:
    session = start()
    session.press("idef add(a, b):\r")
    session.wait_for_ghost("return a + b")
    session.press("retur")  # Held back by the server ...
    wait_for(lambda: record.asked_at() == (1, 9), "the request that is held back", session.screen)
    session.press("n")  # ... until this request, which it has no suggestion for.
    session.wait_for_ghost("")
    assert session.lua("vim.fn.execute('messages')") == ""
    assert "inline_completion" not in (session.file.parent / "state" / "nvim" / "lsp.log").read_text()


def test_tab_is_a_tab_where_nothing_is_suggested(start: Start) -> None:
    session = start()
    session.press("ix\ty")
    session.wait_for_buffer("x   y")


@pytest.mark.parametrize(
    "mapping",
    [
        pytest.param(SET_TAB % "'<Lt>mine>'", id="keys"),
        pytest.param(SET_TAB % "function() return '<Lt>mine>' end, { expr = true }", id="keys from a function"),
        pytest.param(SET_TAB % "function() vim.api.nvim_put({ '<mine>' }, 'c', false, true) end", id="function"),
        pytest.param(OF_THE_BUFFER % SET_TAB % "'<Lt>mine>', { buf = 0 }", id="of the buffer"),
        pytest.param("vim.cmd([[inoremap <expr> <Tab> '<Lt>mi' .. 'ne>']])", id="Vim script"),
        pytest.param("vim.cmd('imap <Tab> <Plug>(mine)|inoremap <Plug>(mine) <Lt>mine>')", id="plug"),
    ],
)
def test_tab_falls_through_to_what_it_was_mapped_to(start: Start, mapping: str) -> None:
    session = start(mapping)
    session.press("ix\ty")
    session.wait_for_buffer("x<mine>y")
    session.press("\x15def add(a, b):\r")
    session.wait_for_ghost("return a + b")
    session.press("\t")
    session.wait_for_buffer("def add(a, b):\n    return a + b")


def test_tab_belongs_to_the_completion_menu_while_that_is_open(start: Start) -> None:
    next_entry = "function() return vim.fn.pumvisible() == 1 and '<C-n>' or '<Tab>' end, { expr = true }"
    session = start(f"{SET_TAB % next_entry}; vim.o.completeopt = 'menuone,noselect'")
    session.press("iprimary private pri\x0e")
    session.wait_for_screen("Keyword completion")
    session.wait_for_ghost("nt")
    session.press("\t")
    session.wait_for_buffer("primary private primary")
    session.press("\t")
    session.wait_for_buffer("primary private private")


def test_another_key_can_be_chosen(start: Start) -> None:
    session = start("vim.g.dgemma = { accept = '<C-l>' }")
    session.press("iprint(")
    session.wait_for_ghost("'hello'")
    session.press("\x0c)")
    session.wait_for_buffer("print('hello')")


def test_health_and_status_tell_what_the_server_says(start: Start) -> None:
    session = start()
    session.wait_for_status("ready")
    session.press(":Dgemma status\r")
    session.wait_for_screen("ready: scripted")
    session.press("\r:checkhealth dgemma\r")
    session.wait_for_screen("ready: scripted")
    session.wait_for_screen("accepts a suggestion")
    assert "ERROR" not in session.buffer()


def test_restart_starts_a_new_server(start: Start, record: Record) -> None:
    session = start()
    session.press(":Dgemma restart\r")
    wait_for(lambda: len(record.sent("initialize")) == 2, "a second server", session.screen)
    session.wait_for_server()
    session.press("iprint(")
    session.wait_for_ghost("'hello'")


def test_a_server_that_is_not_there_is_named(neovim: Neovim, tmp_path: Path) -> None:
    with NeovimSession(neovim, tmp_path, ["no-such-dgemma-lsp"]) as session:
        session.wait_for_screen(session.file.name)
        session.press("\r:checkhealth dgemma\r")
        # The screen may hide the backticks, which is for Neovim's highlighting to say; the buffer always has them.
        wait_for(lambda: "`no-such-dgemma-lsp` is not executable" in session.buffer(), "the finding", session.screen)


def test_an_old_neovim_is_told_what_is_needed(old_neovim: Neovim, tmp_path: Path) -> None:
    with NeovimSession(old_neovim, tmp_path, ["dgemma-lsp"]) as session:
        session.wait_for_screen("dgemma needs Neovim 0.12 or newer")
