"""Edit suggestions in a real VS Code: what is shown after a change, what the keys do, and when nothing is shown."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.editor import package
from tests.editor.editors import Code
from tests.editor.record import Record, scripted
from tests.editor.scripted_server import Edits, Script
from tests.editor.vscode import STATUS_BAR, CodeSession

INLINE: Script = {"ghosts = ": "'first'"}
LINES = ".view-line:visible"
LATE = "held"
EDITS: Edits = {
    LATE: "slow",
    "amount": "price",
    "kind": "type",
    "host": "peer",
    "body": "link",
    "user": "mail",
    "icon": "glyph",
    "area(w, h)": "area(w)",
    "    if full:\n        empty()\n": "    drain()\n",
    "    a()\n    b()\n    c()\n    d()\n": "    abcd()\n",
    "shared_name": "old_shared",
    "ghosts": "spirits",
    "wideness": "𝒳ideness",
}
RENAMED = """def total(price):
    tax = price * 0.2
    if tax:
        print(tax)


def main():
    print(total(1))
    price = 3
    print(price)
"""


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """The scripted server, and what it and VS Code have said."""
    return scripted(tmp_path_factory.mktemp("scripted"), INLINE, edits=EDITS, late=[LATE])


def settings(record: Record, home: Path) -> dict[str, object]:
    """What the user has set on this machine, with the scripted server there."""
    return {"dgemma.server.path": str(record.program(home)), "editor.quickSuggestions": False}


@pytest.fixture(scope="module")
def session(
    code: Code, extension: Path, record: Record, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CodeSession]:
    """VS Code with the scripted server, without its own display of edits."""
    home = tmp_path_factory.mktemp("code")
    stable = package.without_proposals(extension, tmp_path_factory.mktemp("stable"))
    with CodeSession(code, stable, home, settings(record, home)) as session:
        session.wait_for_status("ready, scripted")
        yield session


def shown(session: CodeSession, *texts: str) -> None:
    """Waits until decorations show these texts and no others."""
    session.wait_for(lambda: sorted(session.attached()) == sorted(texts), f"{texts}")


def is_asked(record: Record, text: str) -> bool:
    """Whether an edit was asked for in the text that was typed last, which begins like this."""
    change, asked = record.sent("textDocument/didChange")[-1], record.sent("dgemma/inlineEdit")[-1]
    return change["contentChanges"][-1]["text"].startswith(text) and asked["textDocument"] == change["textDocument"]


def executed(record: Record) -> list[str]:
    """The commands that the server was asked to run."""
    return [parameters["command"] for parameters in record.sent("workspace/executeCommand")]


def test_one_key_follows_a_rename(session: CodeSession, record: Record) -> None:
    file = session.open_file("rename.py", RENAMED)
    session.type_over(0, 10, 5, "amount")
    shown(session, "amount", "Tab")
    session.screenshot("edit-near")
    accepted = len(executed(record))
    session.do("press", "Tab")
    shown(session, "amount", "→ Edit at line 9 (Tab)")
    session.screenshot("edit-far")
    session.do("press", "Tab")
    shown(session, "amount", "Tab")
    session.do("press", "Tab")
    session.wait_for_text(".view-line", "amount = 3")
    shown(session, "amount", "Tab")
    session.do("press", "Tab")
    shown(session)
    renamed = RENAMED.replace("price", "amount")
    session.wait_for_document(file, renamed)
    assert executed(record)[accepted:] == ["dgemma.editAccepted"] * 3
    session.do("press", "Control+z")
    session.wait_for_document(file, "price".join(renamed.rsplit("amount", 1)))
    shown(session)


def test_a_dismissed_edit_does_not_come_back(session: CodeSession, record: Record) -> None:
    file = session.open_file("dismissed.py", "paint = 1\nprint(type)\n")
    session.type_over(0, 0, 5, "kind")
    shown(session, "kind", "Tab")
    session.do("press", "Escape")
    shown(session)
    session.wait_for(lambda: executed(record)[-1:] == ["dgemma.editRejected"], "the server to be told")
    asked = len(record.sent("dgemma/inlineEdit"))
    session.do("type", "s")
    session.wait_for(lambda: len(record.sent("dgemma/inlineEdit")) > asked, "another request")
    session.wait_for_document(file, "kinds = 1\nprint(type)\n")
    assert session.attached() == []


def test_typing_takes_an_edit_down_and_tab_is_a_tab(session: CodeSession, record: Record) -> None:
    file = session.open_file("typing.py", "paint = 1\nprint(peer)\nslow = 2\n")
    session.type_over(0, 0, 5, "host")
    shown(session, "host", "Tab")
    session.do("type", " held")
    session.wait_for(lambda: is_asked(record, "host held ="), "a request")
    shown(session)
    session.do("press", "Tab")  # Now the answer comes, to a text that is no more.
    session.wait_for_document(file, "host held    = 1\nprint(peer)\nslow = 2\n")
    assert session.attached() == []


def test_tab_indents_before_the_text_of_a_line(session: CodeSession, record: Record) -> None:
    file = session.open_file("indented.py", "first = 1\nprint(glyph)\n")
    session.type_over(0, 9, 0, "\nicon = 2\n")
    session.wait_for(lambda: is_asked(record, "first = 1\nicon = 2\n\n"), "a request")
    session.do("press", "Tab")
    session.wait_for_document(file, "first = 1\nicon = 2\n    \nprint(glyph)\n")
    session.run_command("dgemma: Suggest an Edit")
    shown(session, "icon", "Tab")


def test_a_newer_request_takes_the_place_of_an_older(session: CodeSession, record: Record) -> None:
    session.open_file("newer.py", "paint = 1\nprint(link)\nslow = 2\n")
    cancelled = len(record.sent("$/cancelRequest"))
    session.type_over(0, 0, 5, "held")
    session.wait_for(lambda: is_asked(record, "held ="), "a request")
    session.do("press", "Control+Shift+ArrowLeft")
    session.do("type", "body")
    session.wait_for(lambda: len(record.sent("$/cancelRequest")) > cancelled, "the older to be cancelled")
    shown(session, "body", "Tab")


def test_what_only_adds_at_the_cursor_is_ghost_text(session: CodeSession, record: Record) -> None:
    file = session.open_file("ghost.py", "def area(w, h):\n    return w * h\n\nprint(area(w))")
    for _ in range(2):
        session.do("press", "ArrowLeft")
    session.run_command("dgemma: Suggest an Edit")
    session.wait_for_ghost([", h"])
    session.screenshot("edit-ghost-text")
    session.do("press", "Tab")
    session.wait_for_document(file, "def area(w, h):\n    return w * h\n\nprint(area(w, h))")
    session.wait_for(lambda: executed(record)[-1:] == ["dgemma.editAccepted"], "the server to be told")
    assert session.ghost() == []


def test_new_lines_are_shown_in_a_box(session: CodeSession) -> None:
    text = "def f():\n    if full:\n        empty()\n\n\ndef g():\n    drain()\n"
    file = session.open_file("lines.py", text)
    session.do("type", "# g")
    session.wait_for(lambda: session.pictured() == ["    if full:\n        empty()"], "the new lines")
    session.screenshot("edit-lines")
    session.do("press", "Tab")
    session.wait_for_document(file, text.replace("    drain()", "    if full:\n        empty()") + "# g")


def test_what_is_large_is_shown_when_it_is_gone_to(session: CodeSession) -> None:
    text = "def f():\n    a()\n    b()\n    c()\n    d()\n\n\ndef g():\n    abcd()\n"
    file = session.open_file("large.py", text)
    session.do("type", "# g")
    shown(session, "→ Edit at line 9 (Tab)")
    assert session.pictured() == []
    session.do("press", "Tab")
    session.wait_for(lambda: session.pictured() == ["    a()\n    b()\n    c()\n    d()"], "the new lines")
    session.do("press", "Tab")
    session.wait_for_document(file, text.replace("    abcd()\n", "    a()\n    b()\n    c()\n    d()\n") + "# g")


def test_tab_goes_to_another_document(session: CodeSession) -> None:
    used = session.open_file("used.py", "import defined\n\n\nprint(defined.old_shared)\n")
    session.open_file("defined.py", "value = 1\n")
    session.type_over(0, 0, 5, "shared_name")
    shown(session, "→ Edit in used.py, line 4 (Tab)")
    session.screenshot("edit-in-another-document")
    session.do("press", "Tab")
    session.wait_for_text(".tab.active", "used.py")
    session.wait_for(lambda: "Tab" in session.attached(), "the edit")
    session.do("press", "Tab")
    session.wait_for_document(used, "import defined\n\n\nprint(defined.shared_name)\n")


def test_a_suggestion_at_the_cursor_comes_first(session: CodeSession) -> None:
    file = session.open_file("first.py", "spirits = 1\n")
    session.do("type", "ghosts = ")
    session.wait_for_ghost(["'first'"])
    shown(session)
    session.do("press", "Tab")
    session.wait_for_document(file, "spirits = 1\nghosts = 'first'")


def test_wide_characters_are_counted_as_the_protocol_does(session: CodeSession) -> None:
    file = session.open_file("wide.py", "'𝒳', 𝒳ideness\n")
    session.do("type", "wideness")
    session.wait_for(lambda: "Tab" in session.attached(), "the edit")
    session.do("press", "Tab")
    session.wait_for_document(file, "'𝒳', wideness\nwideness")


def test_nothing_is_suggested_unasked_where_that_is_turned_off(session: CodeSession, record: Record) -> None:
    session.run_command("dgemma: Turn Edit Suggestions On or Off")
    session.wait_for_settings({"dgemma.edits.automatic": False})
    file = session.open_file("off.py", "paint = 1\nprint(mail)\n")
    asked = len(record.sent("dgemma/inlineEdit"))
    session.type_over(0, 0, 5, "user")
    session.wait_for_document(file, "user = 1\nprint(mail)\n")
    assert len(record.sent("dgemma/inlineEdit")) == asked
    session.run_command("dgemma: Suggest an Edit")
    shown(session, "user", "Tab")
    session.do("press", "Escape")
    shown(session)
    session.run_command("dgemma: Suggest an Edit")
    session.wait_for_text(STATUS_BAR, "no edit to suggest: nothing in the script")
    assert [parameters["context"]["triggerKind"] for parameters in record.sent("dgemma/inlineEdit")[asked:]] == [1, 1]
    session.run_command("dgemma: Turn Edit Suggestions On or Off")
    session.wait_for_settings({"dgemma.edits.automatic": True})


def test_vscodes_own_display_where_it_is_allowed(code: Code, extension: Path, tmp_path: Path) -> None:
    record = scripted(tmp_path, {}, edits=EDITS)
    home = tmp_path / "home"
    home.mkdir()
    with CodeSession(code, extension, home, settings(record, home)) as session:
        session.wait_for_status("ready, scripted")
        file = session.open_file("rename.py", RENAMED)
        session.type_over(0, 10, 5, "amount")
        session.wait_for(lambda: "amount" in session.texts(LINES), "the edit")
        session.screenshot("edit-native")
        assert session.attached() == []
        session.do("press", "Tab")
        session.wait_for_text(".view-line", "amount * 0.2")
        session.wait_for(lambda: executed(record) == ["dgemma.editAccepted"], "the server to be told")
        session.wait_for(lambda: "amount" in session.texts(LINES), "the next edit")
        session.do("press", "Escape")
        session.wait_for(lambda: executed(record)[-1] == "dgemma.editRejected", "the server to be told")
        session.wait_for_document(file, RENAMED.replace("price", "amount", 2))
