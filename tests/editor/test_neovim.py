"""The plug-in in a real Neovim, against a server whose answers are known."""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.editor.editors import Neovim
from tests.editor.neovim import CLONE, NeovimSession
from tests.editor.record import SUGGEST, Record, scripted
from tests.editor.scripted_server import Script
from tests.editor.waiting import wait_for

SCRIPT: Script = {
    "def add(a, b):\n    ": ["return a + b", "return sum([a, b])", "pass"],
    "class Point:\n    ": "def __init__(self, x, y):\n        self.x = x\n        self.y = y",
    "print(": "'hello'",
    "print": None,
    "print(x": None,
    "print(\n": None,
    "primary private pri": "nt",
    "naïve = '𝒳' + ": "'é'",
    "unsure = ": ["", "maybe()", "perhaps()"],
    "first": " second third-fourth",
    "held": None,
    "broken": {"fault": "ValueError: not enough values to unpack"},
    "fatal": {"fault": ""},
    "heldx": "yz",
}

SET_TAB = "vim.keymap.set('i', '<Tab>', %s)"
OF_THE_BUFFER = "vim.cmd.autocmd([[FileType * lua %s]])"

MOVED = "dgemma/didMoveCursor"

INVOKED, AUTOMATIC = 1, 2
ENTER, ESCAPE = "\r", "\x1b"
ASK, NEXT, PREVIOUS, DISMISS = "\x1b\\", "\x1b]", "\x1b[91;3u", "\x1d"
WORD, LINE = "\x1b[1;3C", "\x1b[1;7C"

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


def test_typing_along_asks_nothing(start: Start, record: Record) -> None:
    session = start()
    session.press("idef add(a, b):\r")
    session.wait_for_ghost("return a + b")
    session.press("return")
    session.wait_for_ghost(" a + b")
    session.press("\x7f\x7f")
    session.wait_for_ghost("rn a + b")
    session.press("x")  # This is no longer what was suggested.
    wait_for(lambda: record.asked_at() == (1, 9), "a request", session.screen)
    assert record.sent(SUGGEST)[-2]["position"] == {"line": 1, "character": 4}


def test_typing_along_goes_on_behind_a_line_end(start: Start) -> None:
    session = start()
    session.press("iclass Point:\r")
    session.wait_for_ghost("def __init__(self, x, y):")
    session.press("def __init__(self, x, y):\r")
    session.wait_for_ghost("self.x = x")
    session.press("\t")
    session.wait_for_buffer("class Point:\n    def __init__(self, x, y):\n        self.x = x\n        self.y = y")


def test_a_newer_request_cancels_the_older(start: Start, record: Record) -> None:
    session = start()
    session.press("iheld")  # The server holds its answer back ...
    wait_for(lambda: record.asked_at() == (0, 4), "the request that is held back", session.screen)
    session.press("x")
    session.wait_for_ghost("yz")
    session.wait_for_status("ready")
    assert len(record.sent("$/cancelRequest")) == 1  # ... and answers with an error that nobody needs to see.
    assert session.messages() == ""
    log = session.file.parent / "state" / "nvim" / "lsp.log"
    assert not log.exists() or "dgemma" not in log.read_text().partition("\n")[2]


def test_asking_shows_what_is_not_shown_unasked(start: Start, record: Record) -> None:
    session = start()
    session.press("iunsure = ")
    wait_for(lambda: record.suggested() == [], "an answer", session.screen)
    session.press(ASK)
    session.wait_for_ghost("maybe() 1/2")
    assert record.kinds()[-1] == INVOKED
    session.press(NEXT)
    session.wait_for_ghost("perhaps() 2/2")
    session.press(NEXT)
    session.wait_for_ghost("maybe() 1/2")
    session.press(PREVIOUS)
    session.wait_for_ghost("perhaps() 2/2")
    session.press("\t")
    session.wait_for_buffer("unsure = perhaps()")


def test_the_next_of_an_unasked_suggestion_is_asked_for(start: Start, record: Record) -> None:
    session = start()
    session.press("idef add(a, b):\r")
    session.wait_for_ghost("return a + b")
    session.press(NEXT)
    session.wait_for_ghost("return sum([a, b]) 2/3")
    session.press("return")  # The third does not begin so.
    session.wait_for_ghost(" sum([a, b]) 2/2")
    session.press("\t")
    session.wait_for_buffer("def add(a, b):\n    return sum([a, b])")


@pytest.mark.parametrize("command", [":Dgemma suggest\r", ":lua require('dgemma').suggest()\r"])
def test_asking_in_normal_mode_enters_insert_mode(start: Start, command: str) -> None:
    session = start()
    session.press("iunsure = \x1b")
    session.press(command)
    session.wait_for_ghost("maybe() 1/2")
    session.press("\t")
    session.wait_for_buffer("unsure = maybe()")


@pytest.mark.parametrize("showmode", ["true", "false"])
def test_asking_where_there_is_nothing_says_why(start: Start, showmode: str) -> None:
    session = start(f"vim.o.showmode = {showmode}")
    session.press("inowhere" + ASK)
    session.wait_for_screen("dgemma: nothing in the script")


def test_what_is_said_in_insert_mode_is_gone_with_the_next_key(start: Start) -> None:
    session = start()
    session.press("inowhere" + ASK)
    session.wait_for_screen("dgemma: nothing in the script")
    session.press("!")
    session.wait_for_buffer("nowhere!")
    wait_for(lambda: "script" not in session.screen(), "the message to go", session.screen)
    session.wait_for_status("ready (nothing in the script)")


def test_asking_a_server_that_fails_says_so_in_words(start: Start) -> None:
    session = start()
    session.press("ibroken" + ASK)
    session.wait_for_screen("dgemma: an error in dgemma-lsp; :checkhealth vim.lsp names")
    assert "ValueError" not in session.messages()


def test_a_server_that_has_ended_is_said_to_have(start: Start, record: Record) -> None:
    session = start()
    session.press("ifatal" + ASK)
    session.wait_for_screen("Client dgemma quit")
    session.press(ENTER + ASK)
    session.wait_for_screen("dgemma: no server runs here; `:Dgemma restart` starts one")
    session.press(ESCAPE + ":Dgemma\r")
    session.wait_for_screen("dgemma: no server runs here; `:Dgemma restart` starts one")
    session.press(":Dgemma restart\r" + ENTER)
    wait_for(lambda: len(record.sent("initialize")) == 2, "a second server", session.screen)


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (":enew\r", "only files whose type Neovim knows are served"),
        (":new | setlocal buftype=nofile filetype=python\r", "only files whose type Neovim knows are served"),
        (":lua vim.lsp.enable('dgemma', false)\r", "switched off; vim.lsp.enable('dgemma') switches it on"),
    ],
)
def test_where_no_server_serves_the_reason_is_said(start: Start, command: str, why: str) -> None:
    session = start()
    session.press(command)
    wait_for(lambda: session.lua("require('dgemma').status()") == "", "no server", session.screen)
    session.press(":Dgemma\r")
    session.wait_for_screen(f"dgemma: {why}")


def test_word_by_word_and_the_rest(start: Start) -> None:
    session = start()
    session.press("ifirst")
    session.wait_for_ghost(" second third-fourth")
    session.press(WORD)
    session.wait_for_buffer("first second")
    session.wait_for_ghost(" third-fourth")
    session.press(WORD + WORD)
    session.wait_for_buffer("first second third-")
    session.press("\t")
    session.wait_for_buffer("first second third-fourth")


def test_line_by_line(start: Start) -> None:
    session = start()
    session.press("iclass Point:\r")
    session.wait_for_ghost("def __init__(self, x, y):")
    session.press(LINE)
    session.wait_for_buffer("class Point:\n    def __init__(self, x, y):")
    session.wait_for_screen("        self.y = y")
    session.press(LINE)
    session.wait_for_buffer("class Point:\n    def __init__(self, x, y):\n        self.x = x")


def test_several_lines_in_front_of_text_are_drawn_as_they_will_stand(start: Start) -> None:
    session = start()
    session.press("i# end\x1b0" + "iclass Point:\r")
    session.wait_for_ghost("def __init__(self, x, y):")
    drawn = session.terminal.lines()[:4]
    session.press("\t")
    wait_for(lambda: "self.y = y" in session.buffer(), "what was taken", session.buffer)
    assert session.buffer().split("\n") == drawn


def test_undo_takes_back_what_was_taken_and_not_what_was_typed(start: Start) -> None:
    session = start()
    session.press("ix = 1\rprint(")
    session.wait_for_ghost("'hello'")
    session.press("\t)\x1b")
    session.wait_for_buffer("x = 1\nprint('hello')")
    session.press("u")
    session.wait_for_buffer("x = 1\nprint('hello'")
    session.press("u")
    session.wait_for_buffer("x = 1\nprint(")
    session.press("\x12")
    session.wait_for_buffer("x = 1\nprint('hello'")


def test_dismissing_takes_it_down_until_the_next_key(start: Start) -> None:
    session = start()
    session.press("ifirst")
    session.wait_for_ghost(" second third-fourth")
    session.press(DISMISS)
    session.wait_for_ghost("")
    session.press("\t")
    session.wait_for_buffer("first   ")


def test_leaving_insert_mode_takes_it_down(start: Start) -> None:
    session = start()
    session.press("ifirst")
    session.wait_for_ghost(" second third-fourth")
    session.press("\x1b")
    wait_for(lambda: "second" not in session.screen(), "the suggestion to go", session.screen)


def test_neovims_own_inline_completion_does_not_show_it_twice(start: Start, record: Record) -> None:
    session = start("vim.lsp.inline_completion.enable()")
    session.press("ifirst")
    session.wait_for_ghost(" second third-fourth")
    time.sleep(0.5)  # Neovim's own would have come by now.
    assert session.ghost() == " second third-fourth"
    assert record.kinds().count(AUTOMATIC) == len(record.sent(SUGGEST))


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
    session = start("vim.g.dgemma = { keys = { accept = '<C-l>', accept_word = false } }")
    session.press("iprint(")
    session.wait_for_ghost("'hello'")
    session.press("\x0c)")
    session.wait_for_buffer("print('hello')")
    assert session.lua("vim.fn.maparg('<M-Right>', 'i')") == ""


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("{ accept = '<C-l>' }", "vim.g.dgemma.accept is no option"),
        ("{ keys = { acept = '<C-l>' } }", "vim.g.dgemma.keys.acept is no option"),
        ("{ keys = { accept = true } }", "vim.g.dgemma.keys.accept is neither a key nor false"),
        ("{ keys = false }", "vim.g.dgemma.keys is not a table"),
        ("{ cmd = 'dgemma-lsp' }", "vim.g.dgemma.cmd is not a list such as { 'dgemma-lsp', '--stdio' }"),
        ("{ cmd = {} }", "vim.g.dgemma.cmd is not a list such as { 'dgemma-lsp', '--stdio' }"),
        ("{ debounce_ms = -1 }", "vim.g.dgemma.debounce_ms is not a number of milliseconds"),
        ("'<C-l>'", "vim.g.dgemma is not a table"),
    ],
)
def test_a_wrong_option_is_named_and_the_rest_works(start: Start, options: str, problem: str) -> None:
    session = start(f"vim.g.dgemma = {options}")
    session.wait_for_screen(problem)
    session.press("iprint(")
    session.wait_for_ghost("'hello'")
    session.press("\t)")
    session.wait_for_buffer("print('hello')")


def test_a_bare_command_tells_in_a_line_how_the_server_fares(start: Start) -> None:
    session = start()
    session.wait_for_status("ready")
    session.press(":Dgemma\r")
    session.wait_for_screen("dgemma: ready, script")
    session.press("inowhere")
    session.wait_for_status("ready (nothing in the script)")
    session.press("\x1b:Dgemma\r")
    session.wait_for_screen("dgemma: ready, script; no suggestion last time: nothing in the script")
    session.press("x")  # No key was needed to go on.
    session.wait_for_buffer("nowher")


def test_that_the_engine_failed_is_said_once_and_whole(start: Start) -> None:
    session = start()
    session.wait_for_status("ready")
    told = "the checkpoint is not there; " + "fetch it, " * 9 + "at last"

    def update(state: str) -> None:
        session.lua(f"require('dgemma.status').update(1, {{ state = '{state}', message = '{told}' }}) or 1")

    update("failed")
    session.wait_for_screen("at last")
    session.keep_screen("neovim-failure")
    update("starting")
    update("failed")
    assert session.messages().count("dgemma: the checkpoint is not there") == 1
    update("ready")
    update("failed")
    assert session.messages().count("dgemma: the checkpoint is not there") == 2
    session.press("ix")  # No key was needed to go on.
    session.wait_for_buffer("x")
    wait_for(lambda: "at last" not in session.screen(), "the message to go", session.screen)


def test_what_was_typed_while_the_model_was_loaded_is_asked_for_again(start: Start, record: Record) -> None:
    session = start()
    session.wait_for_status("ready")
    session.press("inowhere")
    session.wait_for_status("ready (nothing in the script)")
    asked = len(record.kinds())
    for state in ("loading", "ready"):
        session.lua(f"require('dgemma.status').update(1, {{ state = '{state}', message = 'scripted' }}) or 1")
    wait_for(lambda: len(record.kinds()) == asked + 1, "another request", session.screen)
    assert record.kinds()[-1] == AUTOMATIC
    assert record.asked_at() == (0, 7)


def test_status_shows_everything_until_the_cursor_moves(start: Start) -> None:
    session = start()
    session.press("ione\x1b:Dgemma status\r")
    session.wait_for_screen("ready: scripted")
    session.wait_for_screen("checkpoint: script")
    session.press("h")
    wait_for(lambda: "scripted" not in session.screen(), "the window to close", session.screen)


def test_health_tells_what_the_server_says(start: Start) -> None:
    session = start()
    session.wait_for_status("ready")
    session.press(":checkhealth dgemma\r")
    session.wait_for_screen("ready: scripted")
    report = session.buffer()  # On the screen its backquotes may be concealed.
    assert "accept word: `<M-Right>`" in report
    assert "ERROR" not in report


@pytest.mark.parametrize(
    ("commands", "line"),
    [
        ([":Dgemma disable\r"], "suggestions are off; `:Dgemma suggest` still asks for one"),
        ([":Dgemma disable buffer\r"], "suggestions are off in this buffer; `:Dgemma suggest` still asks for one"),
        ([":Dgemma toggle\r"], "suggestions are off; `:Dgemma suggest` still asks for one"),
        ([":Dgemma disable buffer\r", ":Dgemma enable\r"], "suggestions are on, but off in this buffer"),
    ],
)
def test_switched_off_nothing_comes_unasked(start: Start, record: Record, commands: list[str], line: str) -> None:
    session = start()
    session.wait_for_status("ready")
    for command in commands:
        session.press(command)
    session.wait_for_screen(line)
    session.wait_for_status("off")
    session.press("ifirst")
    session.wait_for_buffer("first")
    session.press(ASK)
    session.wait_for_ghost(" second third-fourth")
    assert record.kinds() == [INVOKED]


def test_switched_on_again_they_come(start: Start) -> None:
    session = start("vim.g.dgemma_enabled = false")
    session.press(":Dgemma toggle buffer\r")
    session.wait_for_screen("suggestions are on in this buffer")
    session.press("ifirst")
    session.wait_for_ghost(" second third-fourth")


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("Dgemma ", ["disable", "edits", "enable", "log", "restart", "rewrite", "status", "suggest", "toggle"]),
        ("Dgemma s", ["status", "suggest"]),
        ("Dgemma toggle ", ["buffer"]),
        ("Dgemma edits ", ["on", "off", "suggest"]),
        ("Dgemma log ", []),
    ],
)
def test_commands_complete(start: Start, typed: str, completed: list[str]) -> None:
    assert start().lua(f"vim.fn.getcompletion('{typed}', 'cmdline')") == completed


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("nonsense", "no such command: nonsense; :help :Dgemma names them"),
        ("log buffer", "`:Dgemma log` takes nothing"),
        ("toggle window", "`:Dgemma toggle` takes buffer or nothing"),
        ("edits maybe", "`:Dgemma edits` takes on, off, suggest or nothing"),
    ],
)
def test_a_wrong_command_is_named(start: Start, command: str, said: str) -> None:
    session = start()
    session.press(f":Dgemma {command}\r")
    session.wait_for_screen(said)


def test_restart_starts_a_new_server(start: Start, record: Record) -> None:
    session = start()
    session.press(":Dgemma restart\r")
    session.wait_for_screen("dgemma: the server starts anew")
    wait_for(lambda: len(record.sent("initialize")) == 2, "a second server", session.screen)
    session.wait_for_server()
    session.press("iprint(")
    session.wait_for_ghost("'hello'")


def test_a_server_that_is_not_there_is_named(neovim: Neovim, tmp_path: Path) -> None:
    with NeovimSession(neovim, tmp_path, ["no-such-dgemma-lsp"]) as session:
        session.wait_for_screen("dgemma: no-such-dgemma-lsp is not installed; see :checkhealth dgemma")
        session.press(":edit other.py\r")
        session.wait_for_screen("other.py")
        assert session.messages().count("installed") == 1
        session.press(":checkhealth dgemma\r")
        # The screen may hide the backticks, which is for Neovim's highlighting to say; the buffer always has them.
        wait_for(lambda: "`no-such-dgemma-lsp` is not executable" in session.buffer(), "the finding", session.screen)


@pytest.mark.parametrize(
    "folder",
    [
        pytest.param("bin", id="PATH"),
        pytest.param(".local/bin", id="user"),
        pytest.param("data/pipx/venvs/dgemma-lsp/bin", id="pipx"),
        pytest.param("data/uv/tools/dgemma-lsp/bin", id="uv"),
        pytest.param(str(CLONE / ".venv/bin"), id="clone"),
    ],
)
def test_the_server_is_found_where_it_is_installed(neovim: Neovim, tmp_path: Path, record: Record, folder: str) -> None:
    home = tmp_path / "home"
    (home / folder).mkdir(parents=True)
    record.program(home / folder)
    with NeovimSession(neovim, home, environment={"PATH": f"{home}/bin:/usr/bin:/bin"}) as session:
        session.wait_for_server()
        session.press("iprint(")
        session.wait_for_ghost("'hello'")


def test_the_server_is_found_where_the_options_say(neovim: Neovim, tmp_path: Path, record: Record) -> None:
    program = record.program(tmp_path)
    with NeovimSession(neovim, tmp_path / "home", lua=f"vim.g.dgemma = {{ cmd = {{ '{program}' }} }}") as session:
        session.wait_for_server()


def test_a_server_installed_meanwhile_is_found_by_restart(neovim: Neovim, tmp_path: Path, record: Record) -> None:
    home = tmp_path / "home"
    with NeovimSession(neovim, home, environment={"PATH": "/usr/bin:/bin"}) as session:
        session.wait_for_screen("dgemma: dgemma-lsp is not installed; see :checkhealth dgemma")
        session.press(":Dgemma restart\r")
        wait_for(lambda: session.messages().count("installed") == 2, "it again", session.screen)
        (home / ".local/bin").mkdir(parents=True)
        record.program(home / ".local/bin")
        session.press(":Dgemma restart\r")
        session.wait_for_server()


def test_an_old_neovim_is_told_what_is_needed(old_neovim: Neovim, tmp_path: Path) -> None:
    with NeovimSession(old_neovim, tmp_path, ["dgemma-lsp"]) as session:
        session.wait_for_screen("dgemma needs Neovim 0.12 or newer")


def test_tells_the_server_of_another_line_once_the_cursor_rests_there(start: Start, record: Record) -> None:
    session = start()

    def lines() -> list[int]:
        return [parameters["position"]["line"] for parameters in record.sent(MOVED)]

    session.press("ione\rtwo\x1b")
    wait_for(lambda: lines()[-1:] == [1], "the cursor's line", session.screen)
    told = len(lines())
    session.press("0")
    session.press("k")
    wait_for(lambda: len(lines()) > told, "its next line", session.screen)
    assert lines()[told:] == [0]


def test_tells_nothing_where_suggestions_are_off(start: Start, record: Record) -> None:
    session = start("vim.g.dgemma_enabled = false")
    session.press("ione\rtwo\x1b")
    time.sleep(0.6)  # Twice as long as the cursor has to rest.
    session.press(":let g:dgemma_enabled = v:true\r")
    session.press("k")
    wait_for(lambda: record.sent(MOVED), "the cursor's line", session.screen)
    assert [parameters["position"]["line"] for parameters in record.sent(MOVED)] == [0]
