"""Held-out changes, typed into a server and judged."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bench.edits.client import Client, Document, serving
from bench.edits.follow.case import EditCase, Replacement
from bench.edits.following import Answered, answered, chosen, rows_of, to_json
from bench.edits.judge import judge
from infill.request import Span


def at(start: int, end: int, text: str) -> Replacement:
    return Replacement(span=Span(start=start, end=end), text=text)


TEXT = "é = 1\nprint(é, é)\nreturn é\n"
RENAME = EditCase(
    name="follow/0",
    kind="local",
    path="a.py",
    text=TEXT,
    typed=(at(0, 1, "ab"),),
    places=(at(13, 14, "ab"), at(16, 17, "ab"), at(26, 27, "ab")),
)
QUIET = EditCase(name="unrelated/0", kind="line", path="a.py", text="a = 1\n", typed=(at(5, 5, "\nb = 2"),))


@pytest.mark.parametrize(
    ("offered", "verdict"),
    [
        (None, "silent"),
        (at(13, 14, "ab"), "right"),
        (at(7, 18, "print(ab, ab)"), "right"),
        (at(7, 27, "print(ab, ab)\nreturn ab"), "several"),
        (at(13, 14, "abc"), "wrong text"),
        (at(13, 17, "ab"), "wrong text"),
        (at(3, 4, "="), "wrong place"),
        (at(5, 6, "2"), "wrong place"),
        (at(0, 2, "é"), "wrong place"),
        (at(13, 14, "é"), "wrong place"),
    ],
)
def test_an_edit_is_right_where_it_follows_in_one_line_and_does_nothing_else(
    offered: Replacement | None, verdict: str
) -> None:
    assert judge(RENAME, offered) == verdict


def test_any_edit_is_wrong_where_nothing_follows() -> None:
    assert judge(QUIET, at(0, 1, "c")) == "wrong place"
    assert judge(QUIET, None) == "silent"


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with serving([sys.executable, "-m", "tests.unit.bench.stub_server"]) as client:
        yield client


def test_the_server_is_asked_once_the_change_is_typed(client: Client) -> None:
    answer = answered(RENAME, client)
    assert answer.verdict == "right"
    assert answer.offered.change == RENAME.places[0]
    assert answered(QUIET, client).verdict == "silent"


def test_every_edit_is_accepted_until_there_is_none(client: Client) -> None:
    assert answered(RENAME, client, to_the_end=True).completed is True
    elsewhere = replace(RENAME, text=TEXT + "é = 2\n")
    assert answered(elsewhere, client, to_the_end=True).completed is False
    assert answered(QUIET, client, to_the_end=True).completed is None


def test_typing_sends_a_change_for_each_letter_and_indentation_with_the_line(client: Client) -> None:
    client.enter()
    document = client.open("a.py", "python", "if a:\n")
    client.type(document, at(5, 5, "\n    bc"))
    assert document.text == "if a:\n    bc\n"
    assert document.version == 4
    client.type(document, at(5, 12, ""))
    assert (document.text, document.version) == ("if a:\n", 5)
    client.close_all()


def test_positions_count_code_points() -> None:
    document = Document(uri="file:///a.py", text="a\n🦀b\n")
    span = Span(start=3, end=4)
    assert document.range(span) == {"start": {"line": 1, "character": 1}, "end": {"line": 1, "character": 2}}
    assert document.span(document.range(span)) == span


def test_rows_have_each_part_and_its_kinds(client: Client) -> None:
    answers = [answered(case, client) for case in (RENAME, QUIET)]
    answers.append(Answered(case=QUIET, offered=answers[0].offered, verdict="wrong place"))
    rows = rows_of(answers)
    assert [(row.part, row.n, row.right, row.silent) for row in rows] == [
        ("follow", 1, 1.0, 0.0),
        ("unrelated", 2, 0.5, 0.5),
    ]
    assert [entry["name"] for entry in to_json(rows, answers)["wrong"]] == ["unrelated/0"]
    assert "expected one of" in answers[0].words()


def test_the_first_of_each_part_are_chosen() -> None:
    cases = [QUIET, RENAME, QUIET]
    assert chosen(cases, kinds=None, limit=1) == [RENAME, QUIET]
    assert chosen(cases, kinds=["line"], limit=None) == [QUIET, QUIET]
    with pytest.raises(SystemExit, match="no kind 'x': choose among line, local"):
        chosen(cases, kinds=["x"], limit=None)
