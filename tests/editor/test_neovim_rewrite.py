"""Rewrites in a real Neovim, against a server whose answers are known."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.editor.editors import Neovim
from tests.editor.neovim import NeovimSession
from tests.editor.record import Record, scripted
from tests.editor.scripted_server import Rewrites
from tests.editor.waiting import wait_for

REWRITE = "dgemma/rewrite"
TEXT = """\
def area(w, h):
    a = w * h
    print(a)
    return a


def edge(w, h):
    e = w + h
    return e
"""
NAMED = {
    "    a = w * h\n    print(a)": "    result = w * h",
    "    return a": "    return result",
    "e = w + h": "e = 2 * (w + h)",
}
TYPED = {"def area(w, h):": "def area(w: int, h: int) -> int:"}
REWRITES: Rewrites = {
    "name it": {"candidates": [NAMED, TYPED]},
    "type it": [{"candidates": [TYPED]}, {"candidates": [{"def area(w, h):": "def area(w: float, h: float):"}]}],
    "wait": None,
    "nothing": {"rejection": "there is nothing to do"},
    "fail": {"fault": "ValueError: not enough values to unpack"},
    "end": {"fault": ""},
    "supersede": {"fault": "superseded by a newer request", "code": -32800},
    "import it": {"candidates": [{"": "import math\n"}]},
    "ignored": {"candidates": [TYPED], "notice": "the checkpoint does not follow instructions"},
    "wide": {"candidates": [{"naïve = '𝒳'": "naïve = '𝒴𝒴'\r\n\tpass"}]},
}
CERTAIN, UNSURE, UNCERTAIN = "b3f6c0", "fce094", "ffc0b9"
"""The colours of |hl-DiagnosticOk|, |hl-DiagnosticWarn| and |hl-DiagnosticError| in the default colour scheme."""
ESCAPE, ENTER, TAB = "\x1b", "\r", "\t"

Start = Callable[..., NeovimSession]


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """The scripted server, and what it and Neovim have said."""
    return scripted(tmp_path, {}, REWRITES)


@pytest.fixture
def start(neovim: Neovim, tmp_path: Path, record: Record) -> Iterator[Start]:
    """Starts Neovim on a Python file with a text; `lua` is what else the user has in `init.lua`."""
    with contextlib.ExitStack() as sessions:

        def start(text: str = TEXT, lua: str = "") -> NeovimSession:
            (tmp_path / "home").mkdir()
            (tmp_path / "home" / "work.py").write_bytes(text.encode())
            session = sessions.enter_context(NeovimSession(neovim, tmp_path / "home", record.command, lua))
            session.wait_for_server()
            return session

        yield start


def changed(old: str, new: str) -> str:
    """The text after a change, as the buffer has it."""
    assert old in TEXT
    return TEXT.replace(old, new).rstrip("\n")


def test_accepting_all_is_one_change_to_undo(start: Start) -> None:
    session = start()
    session.press("ggVG:Dgemma rewrite name it\r")
    session.wait_for_screen("candidate 1/2, hunk 1/3")
    session.keep_screen("neovim-rewrite-hunks")
    assert session.buffer() == TEXT.rstrip("\n")
    session.press(ENTER)
    text = TEXT.rstrip("\n")
    for old, new in NAMED.items():
        text = text.replace(old, new, 1)
    session.wait_for_buffer(text)
    wait_for(lambda: "hunk" not in session.screen(), "the keys to go", session.screen)
    session.press("u")
    session.wait_for_buffer(TEXT.rstrip("\n"))


def test_hunks_are_accepted_and_rejected_one_by_one(start: Start) -> None:
    session = start()
    session.press("ggVG:Dgemma rewrite name it\r")
    session.wait_for_screen("hunk 1/3")
    session.press("y")
    session.wait_for_screen("hunk 1/2")
    session.wait_for_buffer(changed("    a = w * h\n    print(a)", "    result = w * h"))
    assert "candidate" not in session.screen()  # The other one is for a text that is not there any more.
    session.press("n")
    session.wait_for_screen("hunk 1/1")
    session.press("y")
    both = changed("    a = w * h\n    print(a)", "    result = w * h").replace("e = w + h", "e = 2 * (w + h)")
    session.wait_for_buffer(both)
    session.press("u")
    session.wait_for_buffer(TEXT.rstrip("\n"))


def test_keys_go_to_other_hunks_and_candidates(start: Start) -> None:
    session = start()
    session.press("ggVG:Dgemma rewrite name it\r")
    session.wait_for_screen("hunk 1/3")
    session.press("[c")
    session.wait_for_screen("hunk 3/3")
    session.press("y")
    session.wait_for_buffer(changed("e = w + h", "e = 2 * (w + h)"))
    session.press("u:%Dgemma rewrite name it\r")
    session.wait_for_screen("hunk 1/3")
    session.press(TAB)
    session.wait_for_screen("candidate 2/2, hunk 1/1")
    session.press("y")
    session.wait_for_buffer(changed("def area(w, h):", TYPED["def area(w, h):"]))


def test_what_is_rejected_or_cancelled_changes_nothing_and_gives_the_keys_back(start: Start) -> None:
    session = start(lua="vim.cmd.autocmd([[FileType * lua vim.keymap.set('n', 'n', 'Omine<Lt>Esc>', { buf = 0 })]])")
    session.press("gg:Dgemma rewrite type it\r")
    session.wait_for_screen("hunk 1/1")
    session.press("n")
    wait_for(lambda: "hunk" not in session.screen(), "the end of the review", session.screen)
    session.press(":Dgemma rewrite type it\r")
    session.wait_for_screen("hunk 1/1")
    session.press(ESCAPE)
    wait_for(lambda: "hunk" not in session.screen(), "the end of the review", session.screen)
    assert session.buffer() == TEXT.rstrip("\n")
    session.press("n")
    session.wait_for_screen("mine")


def test_retrying_asks_anew_with_the_same_words(start: Start, record: Record) -> None:
    session = start()
    session.press("gg:1Dgemma rewrite type it\r")
    session.wait_for_screen("w: int")
    session.press("r")
    session.wait_for_screen("w: float")
    asked = record.sent(REWRITE)
    assert [request["seed"] for request in asked] == [0, 1]
    assert asked[0]["range"] == asked[1]["range"]
    session.press(ENTER)
    session.wait_for_buffer(changed("def area(w, h):", "def area(w: float, h: float):"))


def test_drafts_are_drawn_over_the_selection_by_their_entropy(start: Start, record: Record) -> None:
    session = start()
    session.press("jVj:Dgemma rewrite wait\r")
    session.wait_for_screen("rewriting…")
    token = record.sent(REWRITE)[0]["partialResultToken"]
    frame = "{{'    x', 0}, {' = ', 0.5}, {'w\\n', 2}, {'\\ty\\n    z', 0}}"
    session.lua(f"require('dgemma.rewrite').take_draft({{token = '{token}', value = {frame}}})")
    drawn = ["def area(w, h):", "    x = w", "    y", "    z", "    return a"]
    wait_for(lambda: session.terminal.lines()[:5] == drawn, "the draft", session.screen)
    session.keep_screen("neovim-rewrite-draft")
    colours = session.terminal.colours(1)
    assert [colours[column] for column in (4, 6, 8)] == [CERTAIN, UNSURE, UNCERTAIN]
    assert session.buffer() == TEXT.rstrip("\n")
    session.press(ESCAPE)
    wait_for(lambda: "rewriting" not in session.screen(), "the end", session.screen)
    wait_for(lambda: len(record.sent("$/cancelRequest")) == 1, "the cancellation", session.screen)
    assert session.terminal.lines()[:9] == TEXT.splitlines()


def test_drafts_of_long_lines_are_broken_as_lines_are(start: Start, record: Record) -> None:
    session = start("a = '" + "0123456789" * 25 + "'\nb\n")
    session.press("V:Dgemma rewrite wait\r")
    session.wait_for_screen("rewriting…")
    token = record.sent(REWRITE)[0]["partialResultToken"]
    draw = "require('dgemma.rewrite').take_draft({token = '%s', value = {{string.rep('x', %d), 0}}})"
    session.lua(draw % (token, 120))
    drawn = ["x" * 100, "x" * 20, "", "b"]
    wait_for(lambda: session.terminal.lines()[:4] == drawn, "the shorter draft", session.screen)
    session.lua(draw % (token, 330))
    drawn = ["x" * 100, "x" * 100, "x" * 100, "x" * 30, "b"]
    wait_for(lambda: session.terminal.lines()[:5] == drawn, "the longer draft", session.screen)


def test_the_instruction_is_asked_for_and_remembered(start: Start, record: Record) -> None:
    session = start()
    session.press("Vgrw")
    session.wait_for_screen("Rewrite:")
    session.press("type it\r")
    session.wait_for_screen("hunk 1/1")
    session.press(ESCAPE)
    wait_for(lambda: "hunk" not in session.screen(), "the end of the review", session.screen)
    session.press("gg0grw")
    session.wait_for_screen("Rewrite:")
    session.press("\x1b[A\r")  # The last one again.
    session.wait_for_screen("hunk 1/1")
    lines, cursor = record.sent(REWRITE)
    assert lines["instruction"] == cursor["instruction"] == "type it"
    assert lines["range"] == {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 15}}
    assert cursor["range"] == {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}


@pytest.mark.parametrize(
    ("keys", "start_at", "end_at"),
    [
        pytest.param("0lve:Dgemma rewrite wide\r", (0, 1), (0, 5), id="characters"),
        pytest.param("0f'v2l:Dgemma rewrite wide\r", (0, 8), (0, 13), id="wide characters"),
        pytest.param("vj$:Dgemma rewrite wide\r", (0, 0), (1, 8), id="to the line's end"),
        pytest.param("Vj:Dgemma rewrite wide\r", (0, 0), (1, 8), id="lines"),
        pytest.param(":2Dgemma rewrite wide\r", (1, 0), (1, 8), id="a range"),
        pytest.param("jfa:lua require('dgemma').rewrite('wide')\r", (1, 6), (1, 6), id="cursor"),
        pytest.param("jve\x05", (1, 0), (1, 3), id="function"),
    ],
)
def test_what_is_rewritten(
    start: Start, record: Record, keys: str, start_at: tuple[int, int], end_at: tuple[int, int]
) -> None:
    session = start(
        "naïve = '𝒳𝒳'\ndéf = ab\n",
        "vim.keymap.set('x', '<C-e>', function() require('dgemma').rewrite('wide') end)",
    )
    session.press(keys)
    asked = wait_for(lambda: record.sent(REWRITE), "the request", session.screen)[0]["range"]
    found = [(place["line"], place["character"]) for place in (asked["start"], asked["end"])]
    assert found == [start_at, end_at]


def test_a_rewrite_of_a_file_with_crlf_tabs_and_wide_characters(start: Start) -> None:
    session = start("if x:\r\n\tnaïve = '𝒳'\r\n\treturn\r\n")
    session.press("jV:Dgemma rewrite wide\r")
    session.wait_for_screen("hunk 1/1")
    session.keep_screen("neovim-rewrite-wide")
    session.press(ENTER)
    session.wait_for_buffer("if x:\n\tnaïve = '𝒴𝒴'\n\tpass\n\treturn")
    session.press(":write\r")
    text = "if x:\r\n\tnaïve = '𝒴𝒴'\r\n\tpass\r\n\treturn\r\n"
    wait_for(lambda: session.file.read_bytes() == text.encode(), "the file", session.screen)


def test_a_change_while_it_runs_ends_it(start: Start) -> None:
    session = start()
    session.press("Vj:Dgemma rewrite wait\r")
    session.wait_for_screen("rewriting…")
    session.press("Gox = 1")
    session.wait_for_buffer(TEXT.rstrip("\n") + "\nx = 1")
    told = "the text has changed meanwhile; nothing was rewritten"
    wait_for(lambda: told in session.messages(), "what the user is told", session.screen)
    assert "rewriting…" not in session.screen()


def test_a_change_while_it_is_reviewed_is_not_overwritten(start: Start) -> None:
    session = start()
    session.press("V:Dgemma rewrite type it\r")
    session.wait_for_screen("hunk 1/1")
    session.press("Ax" + ESCAPE + ENTER)
    session.wait_for_screen("the text has changed since; nothing is applied, r asks again")
    assert session.buffer().startswith("def area(w, h):x\n")
    session.press("u")
    session.press("r")
    session.wait_for_screen("w: float")


def test_a_newer_rewrite_takes_the_place_of_the_older(start: Start, record: Record) -> None:
    session = start()
    session.press("V:Dgemma rewrite wait\r")
    session.wait_for_screen("rewriting…")
    session.press("V:Dgemma rewrite type it\r")
    session.wait_for_screen("hunk 1/1")
    assert len(record.sent("$/cancelRequest")) == 1
    session.press("V:Dgemma rewrite nothing\r")
    session.wait_for_screen("dgemma: there is nothing to do")
    assert "hunk" not in session.screen()
    assert session.buffer() == TEXT.rstrip("\n")


def test_what_the_user_should_know_is_said(start: Start) -> None:
    session = start()
    session.press("V:Dgemma rewrite ignored\r")
    session.wait_for_screen("dgemma: the checkpoint does not follow instructions")
    session.press(ENTER)
    session.wait_for_buffer(changed("def area(w, h):", TYPED["def area(w, h):"]))


def test_keys_of_the_review_can_be_chosen(start: Start) -> None:
    session = start(lua="vim.g.dgemma = { review_keys = { accept = 'gy', reject = false } }")
    session.press("V:Dgemma rewrite type it\r")
    session.wait_for_screen("gy accept")
    assert "reject" not in session.screen()
    session.press("gy")
    session.wait_for_buffer(changed("def area(w, h):", TYPED["def area(w, h):"]))


def test_lines_that_come_above_the_first_are_seen(start: Start) -> None:
    session = start()
    session.press("ggVG:Dgemma rewrite import it\r")
    session.wait_for_screen("hunk 1/1")
    session.wait_for_screen("import math")
    assert session.terminal.lines()[:2] == ["import math", "def area(w, h):"]
    session.press("y")
    session.wait_for_buffer("import math\n" + TEXT.rstrip("\n"))


def test_another_window_shows_no_keys(start: Start) -> None:
    session = start()
    session.press(":set hidden\rV:Dgemma rewrite type it\r")
    session.wait_for_screen("hunk 1/1")
    session.press(":enew\r")
    wait_for(lambda: "hunk" not in session.screen(), "the keys to go", session.screen)
    session.press(":buffer work.py\r")
    session.wait_for_screen("hunk 1/1")
    session.press("y")
    session.wait_for_buffer(changed("def area(w, h):", TYPED["def area(w, h):"]))


def test_a_rewrite_that_fails_is_said_to_have_in_words(start: Start) -> None:
    session = start()
    session.press("V:Dgemma rewrite fail\r")
    session.wait_for_screen("dgemma: an error in dgemma-lsp; :checkhealth vim.lsp names")
    assert "ValueError" not in session.messages()
    assert session.buffer() == TEXT.rstrip("\n")


def test_a_server_that_ends_during_a_rewrite_leaves_the_text(start: Start) -> None:
    session = start()
    session.press("V:Dgemma rewrite end\r")
    session.wait_for_screen("Client dgemma quit")
    session.press(ENTER)
    session.wait_for_screen("nothing was rewritten; the server has ended; `:Dgemma restart` starts it anew")
    session.press(ENTER)
    assert "rewriting…" not in session.screen()
    assert session.buffer() == TEXT.rstrip("\n")


@pytest.mark.parametrize("instruction", ["wait", "type it"])
def test_a_buffer_that_is_closed_takes_its_rewrite_with_it(start: Start, record: Record, instruction: str) -> None:
    session = start()
    session.press(f"V:Dgemma rewrite {instruction}\r")
    session.wait_for_screen("cancel")
    session.press(":bdelete\r")
    wait_for(lambda: "def area" not in session.screen(), "an empty buffer", session.screen)
    assert "cancel" not in session.screen()
    assert session.messages() == ""
    assert len(record.sent("$/cancelRequest")) == (instruction == "wait")


def test_a_buffer_that_cannot_be_changed_any_more_is_left(start: Start) -> None:
    session = start()
    session.press("V:Dgemma rewrite type it\r")
    session.wait_for_screen("hunk 1/1")
    session.press(":set nomodifiable\r")
    session.press("y")
    session.wait_for_screen("dgemma: this buffer cannot be changed")
    session.press(":set modifiable\r")
    session.press("y")
    session.wait_for_buffer(changed("def area(w, h):", TYPED["def area(w, h):"]))


def test_a_rewrite_that_the_server_cancels_ends(start: Start) -> None:
    session = start()
    session.press("V:Dgemma rewrite supersede\r")
    session.wait_for_screen("dgemma: another rewrite of this text took its place; nothing was rewritten")
    assert "rewriting…" not in session.screen()
    session.press("V:Dgemma rewrite type it\r")
    session.wait_for_screen("hunk 1/1")
