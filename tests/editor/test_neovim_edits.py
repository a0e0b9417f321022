"""Edit suggestions in a real Neovim, against a server whose answers are known."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.editor.editors import Neovim
from tests.editor.neovim import NeovimSession
from tests.editor.record import Record, scripted
from tests.editor.scripted_server import Edits
from tests.editor.waiting import wait_for

EDIT, COMMAND = "dgemma/inlineEdit", "workspace/executeCommand"
TEXT = """\
total = 0
for n in numbers:
    total += n
print(total)


def show():
    label = "sum"
    print(label)
    return total"""
NAMED = TEXT.replace("total", "amount")
EDITS: Edits = {
    "amount": "total",
    "held": "numbers",
    "naïve": "naive",
    "# long": TEXT[TEXT.index("def") :],
    "label = 1\n    label += 1": 'label = "sum"',
}
ESCAPE, TAB, DISMISS = "\x1b", "\t", "\x1d"
REMOVED, ADDED, HINT = "ffc0b9", "005523", "8cf8f7"
"""The colours of |hl-DiffDelete|, behind |hl-DiffAdd|, and of |hl-DiagnosticHint| in the default colour scheme."""

Start = Callable[..., NeovimSession]


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """The scripted server, and what it and Neovim have said."""
    return scripted(tmp_path, {"ghost": "ly"}, edits=EDITS, late=["held"])


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


def wait_for_line(session: NeovimSession, line: int, text: str) -> None:
    """Waits until a line of the screen, counted from 1, is this."""
    wait_for(lambda: session.terminal.lines()[line - 1] == text, f"{text!r} in line {line}", session.screen)


def commands(record: Record) -> list[str]:
    """What the server was told of its edits."""
    return [parameters["command"].removeprefix("dgemma.") for parameters in record.sent(COMMAND)]


def test_one_key_follows_a_rename_through_all_places(start: Start, record: Record) -> None:
    session = start()
    session.press("cwamount")
    wait_for_line(session, 3, "    totalamount += n")
    session.press(ESCAPE)
    wait_for_line(session, 3, "    totalamount += n")
    assert session.buffer() == TEXT.replace("total", "amount", 1)
    assert session.terminal.colours(2)[4:9] == [REMOVED] * 5
    assert session.terminal.backgrounds(2)[9:15] == [ADDED] * 6
    session.keep_screen("neovim-edit-near")
    session.press(TAB)
    wait_for_line(session, 4, "print(totalamount)")
    session.press(TAB)
    wait_for_line(session, 4, "print(amount) → edit at line 10 (Tab)")
    session.keep_screen("neovim-edit-far")
    session.press(TAB)
    wait_for_line(session, 10, "    return totalamount")
    assert session.terminal.cursor() == (9, 11)
    session.press("\x0f")  # Back to where the jump began, and there again.
    wait_for_line(session, 4, "print(amount) → edit at line 10 (Tab)")
    session.press(TAB + TAB)
    session.wait_for_buffer(NAMED)
    assert commands(record) == ["editAccepted"] * 3
    assert len(record.sent(EDIT)) == 4
    session.press("u")
    session.wait_for_buffer(NAMED.replace("return amount", "return total"))
    session.press("u")
    session.wait_for_buffer(NAMED.replace("return amount", "return total").replace("print(amount)", "print(total)"))


def test_undo_and_redo_bring_no_edit(start: Start, record: Record) -> None:
    session = start()
    session.press("cwamount" + ESCAPE)
    wait_for_line(session, 3, "    totalamount += n")
    asked = len(record.sent(EDIT))
    session.press("u")
    wait_for_line(session, 3, "    total += n")
    session.press("\x12")
    wait_for_line(session, 1, "amount = 0")
    session.press("x")  # Only this is a change.
    wait_for(lambda: len(record.sent(EDIT)) == asked + 1, "a request", session.screen)
    assert record.sent(EDIT)[-1]["textDocument"]["version"] == session.lua("vim.lsp.util.buf_versions[1]")


@pytest.mark.parametrize(
    ("typed", "key"),
    [pytest.param("cwamount" + ESCAPE, ESCAPE, id="Normal"), pytest.param("cwamount", DISMISS, id="Insert")],
)
def test_what_is_dismissed_does_not_come_back(start: Start, record: Record, typed: str, key: str) -> None:
    session = start()
    session.press(typed)
    wait_for_line(session, 3, "    totalamount += n")
    session.press(key)
    wait_for_line(session, 3, "    total += n")
    assert session.buffer() == TEXT.replace("total", "amount", 1)
    wait_for(lambda: commands(record) == ["editRejected"], "the rejection", session.screen)
    session.press(ESCAPE + "GA  # done" + ESCAPE)
    wait_for_line(session, 10, "    return total  # done → edit at line 4 (Tab)")


def test_an_answer_for_an_older_text_is_not_shown(start: Start, record: Record) -> None:
    session = start()
    session.press("cwheld")
    wait_for(lambda: len(record.sent(EDIT)) == 1, "the request", session.screen)
    session.press("x")  # Now the server answers, and then it is asked anew.
    wait_for(lambda: len(record.sent(EDIT)) == 2, "another request", session.screen)
    assert "numbers" in session.terminal.lines()[1]
    assert ADDED not in session.terminal.backgrounds(1)
    session.press(TAB)
    wait_for(lambda: "heldx " in session.buffer().split("\n")[0], "a tab", session.screen)


def test_a_newer_request_cancels_the_older(start: Start, record: Record) -> None:
    session = start()
    session.press("cwheld" + ESCAPE)
    wait_for(lambda: len(record.sent(EDIT)) == 1, "the request", session.screen)
    session.press(":Dgemma edits suggest\r")
    wait_for(lambda: len(record.sent("$/cancelRequest")) == 1, "the cancellation", session.screen)
    wait_for(lambda: len(record.sent(EDIT)) == 2, "another request", session.screen)
    assert session.messages() == ""


def test_a_suggestion_at_the_cursor_goes_before(start: Start, record: Record) -> None:
    session = start()
    session.press("cwamount = ghost")
    session.wait_for_ghost("ly = 0")
    assert record.sent(EDIT) == []
    session.press(TAB)
    wait_for_line(session, 3, "    totalamount += n")
    session.press("\x15")
    wait_for_line(session, 3, "    total += n")


def test_tab_indents_before_the_text_of_a_line(start: Start, record: Record) -> None:
    session = start()
    session.press("cwamount" + ESCAPE)
    wait_for_line(session, 3, "    totalamount += n")
    session.press("O")
    wait_for(lambda: len(record.sent(EDIT)) == 2, "another request", session.screen)
    session.press(TAB)
    session.wait_for_buffer("    \n" + TEXT.replace("total", "amount", 1))
    session.press("x")
    wait_for_line(session, 1, "    x → edit at line 4 (Tab)")


def test_the_completion_menu_goes_before(start: Start) -> None:
    session = start(lua="vim.o.completeopt = 'menuone,noinsert'")
    session.press("cwamount")
    wait_for_line(session, 3, "    totalamount += n")
    session.press("\x0e")
    session.wait_for_screen("Keyword completion")
    assert "totalamount" not in session.screen()


def test_tab_is_what_it_was_where_nothing_is_suggested(start: Start) -> None:
    session = start(lua="vim.keymap.set('n', '<Tab>', 'Gomine<Esc>')")
    session.press(TAB)
    session.wait_for_buffer(TEXT + "\nmine")
    session.press("uggcwamount" + ESCAPE)
    wait_for_line(session, 3, "    totalamount += n")
    session.press(TAB + ESCAPE)
    wait_for_line(session, 4, "print(total)")
    session.press(TAB)
    session.wait_for_screen("mine")


@pytest.mark.parametrize("lua", ["vim.g.dgemma_edits = false", "vim.g.dgemma_enabled = false", ""])
def test_switched_off_they_come_only_when_asked_for(start: Start, record: Record, lua: str) -> None:
    session = start(lua=lua)
    if not lua:
        session.press(":Dgemma edits off\r")
        session.wait_for_screen("dgemma: edits are not suggested unasked here")
    session.press("cwamount" + ESCAPE)
    session.wait_for_buffer(TEXT.replace("total", "amount", 1))
    session.press(":Dgemma edits suggest\r")
    wait_for_line(session, 3, "    totalamount += n")
    assert [asked["context"]["triggerKind"] for asked in record.sent(EDIT)] == [1]
    session.press(":Dgemma disable\r:Dgemma edits on\r")
    session.wait_for_screen("edits are not suggested unasked here, as suggestions are off; see :Dgemma enable")
    session.press(":Dgemma enable\r:Dgemma edits on\r")
    wait_for_line(session, 3, "    total += n")


def test_asking_where_there_is_nothing_says_why(start: Start) -> None:
    session = start()
    session.press(":Dgemma edits suggest\r")
    session.wait_for_screen("dgemma: nothing in the script")


def test_a_larger_edit_is_gone_to_before_it_is_drawn(start: Start) -> None:
    session = start()
    session.press("6GS# long" + ESCAPE)
    wait_for_line(session, 6, "# long → edit at line 7 (Tab)")
    session.press(TAB)
    wait_for_line(session, 11, "# long")
    session.keep_screen("neovim-edit-long")
    session.press(TAB)
    session.wait_for_buffer("\n".join([*TEXT.split("\n")[:5], "# long", "# long"]))


def test_lines_that_come_are_drawn_below(start: Start) -> None:
    session = start()
    session.press(":9put =['    label = 1', '    label += 1']\r")
    drawn = ['    label = "sum"', "    label = 1", "    label += 1", "    print(label)"]
    session.press("8G")
    wait_for(lambda: session.terminal.lines()[7:11] == drawn, "the lines", session.screen)
    session.keep_screen("neovim-edit-lines")
    session.press(TAB)
    wait_for(lambda: session.buffer().split("\n")[7:10] == drawn[1:], "the lines", session.screen)


def test_an_edit_of_another_file_is_gone_to(start: Start, tmp_path: Path) -> None:
    session = start(text="total = 0\n")
    (tmp_path / "home" / "other.py").write_text("print(1)\nprint(total)\n")
    session.press(":edit other.py\r")
    session.wait_for_screen("print(total)")
    session.press(":edit work.py\rcwamount" + ESCAPE)
    wait_for_line(session, 1, "amount = 0 → edit in other.py:2 (Tab)")
    session.press(TAB)
    wait_for_line(session, 2, "print(totalamount)")
    session.press(TAB)
    session.wait_for_buffer("print(1)\nprint(amount)")


def test_files_with_crlf_tabs_and_wide_characters(start: Start) -> None:
    session = start("if x:\r\n\t# 𝒳\r\n\t'𝒳', naive, '𝒳'\r\n")
    session.press("jA naïve" + ESCAPE)
    wait_for_line(session, 3, "    '𝒳', naivenaïve, '𝒳'")
    session.keep_screen("neovim-edit-wide")
    session.press(TAB)
    session.wait_for_buffer("if x:\n\t# 𝒳 naïve\n\t'𝒳', naïve, '𝒳'")
    session.press(":write\r")
    text = "if x:\r\n\t# 𝒳 naïve\r\n\t'𝒳', naïve, '𝒳'\r\n"
    wait_for(lambda: session.file.read_bytes() == text.encode(), "the file", session.screen)


def test_the_buffers_diagnostics_are_sent_along(start: Start, record: Record) -> None:
    given = "{ lnum = 3, col = 6, end_lnum = 3, end_col = 11, message = 'unknown name', severity = 1, source = 'x' }"
    session = start()
    session.lua(f"vim.diagnostic.set(vim.api.nvim_create_namespace('x'), 0, {{ {given} }})")
    session.press("cwamount" + ESCAPE)
    wait_for(lambda: record.sent(EDIT), "a request", session.screen)
    place = {"start": {"line": 3, "character": 6}, "end": {"line": 3, "character": 11}}
    [diagnostic] = record.sent(EDIT)[0]["context"]["diagnostics"]
    assert diagnostic == {"range": place, "message": "unknown name", "severity": 1, "source": "x"}


ASK_AS_OTHERS_DO = """(function()
  local client = vim.lsp.get_clients({ name = 'dgemma_copilot' })[1]
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
  params.textDocument.version = vim.lsp.util.buf_versions[1]
  local answer = client:request_sync('textDocument/copilotInlineEdit', params, 10000)
  local edit = answer.result.edits[1]
  if edit then
    vim.lsp.util.apply_text_edits({ { range = edit.range, newText = edit.text } }, 1, client.offset_encoding)
    client:exec_cmd(edit.command, { bufnr = 1 })
  end
  return edit and edit.textDocument.version == params.textDocument.version
end)()"""


def test_another_plug_in_gets_its_edits_from_the_same_server(start: Start, record: Record) -> None:
    session = start(lua="vim.lsp.enable('dgemma_copilot')")
    attached = "#vim.lsp.get_clients({ name = 'dgemma_copilot', bufnr = 1 })"
    wait_for(lambda: session.lua(attached) == 1, "the client", session.screen)
    session.press("cwamount" + ESCAPE)
    session.wait_for_buffer(TEXT.replace("total", "amount", 1))
    ask = ASK_AS_OTHERS_DO.replace("\n", " ")
    assert [session.lua(ask) for _ in range(4)] == [True, True, True, None]
    session.wait_for_buffer(NAMED)
    wait_for(lambda: commands(record) == ["editAccepted"] * 3, "the commands", session.screen)
    assert len(record.sent("initialize")) == 1
    assert record.sent(EDIT) == []  # The plug-in itself shows none.


def test_an_edit_of_a_buffer_that_cannot_be_changed_any_more_stays_on_offer(start: Start) -> None:
    session = start()
    session.press("cwamount" + ESCAPE)
    wait_for_line(session, 3, "    totalamount += n")
    session.press(":set nomodifiable\r")
    session.press(TAB)
    session.wait_for_screen("dgemma: this buffer cannot be changed")
    assert session.buffer() == TEXT.replace("total", "amount", 1).rstrip("\n")
    wait_for_line(session, 3, "    totalamount += n")
