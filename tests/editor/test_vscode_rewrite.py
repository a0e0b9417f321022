"""Rewrites in a real VS Code: the draft over the selection, the review of its hunks, and what becomes of the file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.editor.editors import Code
from tests.editor.record import Record, scripted
from tests.editor.scripted_server import Rewrites
from tests.editor.vscode import INPUT, LENS, ROW, STATUS, TOAST, CodeSession

TEXT = """import sys


def total(prices, discount):
    result = 0
    for price in prices:
        if price > 0:
            result = result + price
        else:
            print("skipped", price)
    result = result * (1 - discount)
    return result


print(total([1, 2], 0.5))
"""
LOOP = """        if price > 0:
            result = result + price
        else:
            print("skipped", price)
"""
TIDY_LOOP = """        if price <= 0:
            print("skipped", price)
            continue
        result += price
"""
END = "    result = result * (1 - discount)\n    return result\n"
TIDY_END = "    return result * (1 - discount)\n"
TIDY = TEXT.replace(LOOP, TIDY_LOOP).replace(END, TIDY_END)
FUNCTION = (3, 12)
NOTICE = "the checkpoint follows no instructions"
REWRITES: Rewrites = {
    "tidy": {
        "candidates": [{LOOP: TIDY_LOOP, END: TIDY_END}, {"    result = 0\n": "    result = 0.0\n"}],
    },
    "never ends": None,
    "impossible": {"rejection": "nothing likely enough", "notice": NOTICE},
    "fail": {"fault": "ValueError: not enough values to unpack"},
    "end": {"fault": ""},
    "to yen": {"candidates": [{"\t'é' + '𝒳'": "\t'é' + '円'\r\n\t+ '¥'"}]},
}


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """The scripted server, and what it and VS Code have said."""
    return scripted(tmp_path_factory.mktemp("scripted"), {}, REWRITES)


@pytest.fixture(scope="module")
def session(
    code: Code, extension: Path, record: Record, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CodeSession]:
    """VS Code with the scripted server."""
    home = tmp_path_factory.mktemp("code")
    settings = {"dgemma.server.path": str(record.program(home))}
    with CodeSession(code, extension, home, settings) as session:
        session.wait_for_status("ready, scripted")
        yield session


def review(session: CodeSession, name: str) -> Path:
    """A new file of this name whose function is rewritten, reviewed at its first change."""
    file = session.open_file(name, TEXT)
    session.select_lines(*FUNCTION)
    session.ask_for_rewrite("tidy")
    session.wait_for(lambda: session.pictured() == [TIDY_LOOP.rstrip()], "the first change")
    return file


def test_the_draft_is_seen_over_the_selection_until_it_is_cancelled(session: CodeSession, record: Record) -> None:
    file = session.open_file("draft.py", TEXT)
    session.select_lines(*FUNCTION)
    session.ask_for_rewrite("never ends")
    drawn = "\n".join(TEXT.splitlines()[slice(*FUNCTION)])
    session.wait_for(lambda: session.pictured() == [drawn], "the draft")
    [draft] = session.pictures()
    assert len({piece.get("fill") for piece in draft.iter() if piece.tag.endswith("tspan")}) > 3
    session.screenshot("rewrite-draft")
    assert file.read_text() == TEXT
    session.do("press", "Escape")
    session.wait_for(lambda: session.pictured() == [], "no draft")
    session.wait_for(lambda: bool(record.sent("$/cancelRequest")), "the request to be cancelled")
    session.wait_for_document(file, TEXT)
    assert session.texts(".tab.dirty") == []


def test_the_draft_of_a_long_selection_is_on_the_screen(session: CodeSession) -> None:
    session.open_file("long.py", TEXT + "x = 1\n" * 80)
    session.do("press", "Control+a")
    session.ask_for_rewrite("never ends")
    session.wait_for_text(".view-line", "import sys")
    session.wait_for(lambda: session.pictured() != [], "the draft")
    session.screenshot("rewrite-long-draft")
    session.do("press", "Escape")
    session.wait_for(lambda: session.pictured() == [], "no draft")


def test_all_of_it_is_accepted_as_one_step(session: CodeSession) -> None:
    file = review(session, "all.py")
    session.wait_for_text(LENS, "1/2")
    session.screenshot("rewrite-review")
    session.do("press", "Control+Enter")
    session.wait_for_document(file, TIDY)
    session.wait_for(lambda: session.pictured() == [] and session.lenses() == [], "no review")
    session.do("press", "Control+z")
    session.wait_for_document(file, TEXT)
    session.do("press", "Control+y")
    session.wait_for_document(file, TIDY)


def test_one_change_is_accepted_and_another_rejected(session: CodeSession) -> None:
    file = review(session, "one.py")
    session.do("press", "Alt+ArrowDown")
    session.wait_for(lambda: session.pictured() == [TIDY_END.rstrip()], "the second change")
    assert session.attached() == ["+4 lines"]
    session.screenshot("rewrite-second-change")
    session.do("press", "Alt+Enter")
    session.wait_for(lambda: session.pictured() == [TIDY_LOOP.rstrip()], "the first change")
    assert session.attached() == ["accepted, +1 line"]
    assert file.read_text() == TEXT
    session.do("press", "Alt+Backspace")
    session.wait_for_document(file, TEXT.replace(END, TIDY_END))
    session.do("press", "Control+z")
    session.wait_for_document(file, TEXT)


def test_lenses_accept_and_reject(session: CodeSession) -> None:
    file = review(session, "lenses.py")
    session.wait_for(lambda: session.lenses().count("Reject") == 1, "the other change's lens")
    session.do("click", f'{LENS}:has-text("Reject"):not(:has-text("Alt"))')
    session.wait_for(lambda: "1/2" not in session.lenses() and len(session.lenses()) > 2, "one change left")
    session.do("click", f'{LENS}:has-text("Accept")')
    session.wait_for_document(file, TEXT.replace(LOOP, TIDY_LOOP))


def test_what_is_dismissed_or_rejected_changes_nothing(session: CodeSession) -> None:
    file = review(session, "rejected.py")
    session.do("press", "Escape")
    session.wait_for(lambda: session.pictured() == [], "no review")
    session.select_lines(*FUNCTION)
    session.ask_for_rewrite("tidy")
    session.wait_for(lambda: session.pictured() == [TIDY_LOOP.rstrip()], "the first change")
    session.do("press", "Alt+Backspace")
    session.do("press", "Alt+Backspace")
    session.wait_for(lambda: session.pictured() == [], "no review")
    session.wait_for_document(file, TEXT)


def test_the_next_candidate_and_another_try(session: CodeSession, record: Record) -> None:
    file = review(session, "next.py")
    session.do("press", "Alt+]")
    session.wait_for(lambda: session.pictured() == ["    result = 0.0"], "the second candidate")
    session.wait_for_text(LENS, "Candidate 2/2")
    session.do("press", "Alt+\\")
    session.wait_for(lambda: session.pictured() == [TIDY_LOOP.rstrip()], "the first candidate")
    assert [asked["seed"] for asked in record.sent("dgemma/rewrite")[-2:]] == [0, 1]
    session.do("press", "Alt+[")
    session.wait_for(lambda: session.pictured() == ["    result = 0.0"], "the last candidate")
    session.do("press", "Control+Enter")
    session.wait_for_document(file, TEXT.replace("result = 0\n", "result = 0.0\n"))


def test_a_document_that_changes_is_left_as_it_is(session: CodeSession) -> None:
    file = review(session, "stale.py")
    session.do("press", "Control+End")
    session.do("type", "x")
    session.wait_for_text(TOAST, "Not rewritten: the document has changed")
    session.screenshot("rewrite-stale")
    session.wait_for(lambda: session.pictured() == [], "no review")
    session.do("press", "Control+Enter")
    session.wait_for_document(file, TEXT + "x\n")


def test_a_read_only_document_is_left_and_the_reason_said(session: CodeSession) -> None:
    file = review(session, "fixed.py")
    session.run_command("File: Set Active Editor Read-only in Session")
    session.run_command("dgemma: Accept All Changes of the Rewrite")
    session.wait_for_text(TOAST, "Not rewritten: the document cannot be changed, is it read-only?")
    session.wait_for(lambda: session.pictured() == [], "no review")
    assert file.read_text() == TEXT
    session.run_command("Notifications: Clear All Notifications")


def test_a_second_rewrite_takes_the_place_of_the_first(session: CodeSession) -> None:
    file = session.open_file("second.py", TEXT)
    session.select_lines(*FUNCTION)
    session.ask_for_rewrite("never ends")
    session.wait_for(lambda: len(session.pictured()) == 1, "the draft")
    session.ask_for_rewrite("tidy")
    session.wait_for(lambda: session.pictured() == [TIDY_LOOP.rstrip()], "the first change")
    session.do("press", "Control+Enter")
    session.wait_for_document(file, TIDY)


def test_says_why_there_is_nothing_and_what_is_to_be_known(session: CodeSession) -> None:
    session.open_file("nothing.py", TEXT)
    session.ask_for_rewrite("impossible")
    session.wait_for_text(TOAST, "Not rewritten: nothing likely enough")
    session.run_command("Notifications: Show Notifications")
    session.wait_for_text(".notifications-center", NOTICE)
    session.screenshot("rewrite-nothing")
    session.run_command("Notifications: Clear All Notifications")


def test_offers_earlier_instructions(session: CodeSession, record: Record) -> None:
    review(session, "history.py")
    session.do("press", "Escape")
    session.do("press", "Control+Alt+r")
    session.wait_for_text(f"{INPUT} {ROW}", "tidy")
    session.screenshot("rewrite-history")
    asked = len(record.sent("dgemma/rewrite"))
    session.do("press", "ArrowDown")
    session.do("press", "Enter")
    session.wait_for(lambda: len(record.sent("dgemma/rewrite")) > asked, "the rewrite")
    assert record.sent("dgemma/rewrite")[-1]["instruction"] == "tidy"
    session.do("press", "Escape")


def test_line_ends_tabs_and_wide_characters_stay(session: CodeSession) -> None:
    text = "x = (\r\n\t'é' + '𝒳'\r\n)"
    file = session.open_file("yen.py", text)
    session.select_lines(1, 2)
    session.ask_for_rewrite("to yen")
    session.wait_for(lambda: len(session.pictured()) == 1, "the change")
    session.do("press", "Alt+Enter")
    session.wait_for_document(file, text.replace("'𝒳'", "'円'\r\n\t+ '¥'"))


def test_compares_side_by_side(session: CodeSession) -> None:
    file = review(session, "compared.py")
    session.do("click", f"{LENS}:has(.codicon-diff)")
    session.wait_for_text(".tab.active", "compared.py: rewrite")
    session.wait_for_text(".modified .view-line", "result += price")
    session.wait_for_text(".modified .monaco-editor.focused", "result += price")
    session.screenshot("rewrite-side-by-side")
    session.do("press", "Control+Enter")
    session.wait_for(lambda: session.texts(".tab.active") == ["compared.py"], "the document")
    session.wait_for_document(file, TIDY)


@pytest.mark.parametrize(
    ("instruction", "reason"),
    [
        pytest.param("fail", "an error in dgemma-lsp; its log says more", id="the server fails"),
        pytest.param("end", "the language server has ended", id="the server ends"),
    ],
)
def test_says_in_words_why_a_rewrite_got_no_answer(session: CodeSession, instruction: str, reason: str) -> None:
    file = session.open_file(f"{instruction}.py", TEXT)
    session.select_lines(*FUNCTION)
    session.ask_for_rewrite(instruction)
    session.wait_for_text(TOAST, f"Not rewritten: {reason}. The selection is as it was.")
    session.screenshot(f"rewrite-{instruction}")
    session.wait_for_document(file, TEXT)
    session.wait_for(lambda: session.pictured() == [], "no draft")
    session.run_command("Notifications: Clear All Notifications")
    session.wait_for_status("ready, scripted")
    review(session, f"after-{instruction}.py")
    session.do("press", "Escape")


def test_a_document_of_no_file_is_left_alone(session: CodeSession) -> None:
    review(session, "left.py")
    session.do("click", f"{LENS}:has(.codicon-diff)")
    session.wait_for_text(".modified .monaco-editor.focused", "result += price")
    session.do("click", STATUS.format(""))  # Escape, which closes an older menu, would end the review.
    session.wait_for_text(ROW, "Rewrite Selection")
    session.do("click", f'{ROW}:has-text("Rewrite Selection")')
    session.wait_for_text(TOAST, "Not rewritten: documents of this kind are left alone")
