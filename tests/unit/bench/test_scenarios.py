"""Scenarios of edits: read, replayed and scored."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.edits.client import Client, serving
from bench.edits.scenarios.board import Result, board_of, result_of, table
from bench.edits.scenarios.chrf import chrf, delta_chrf
from bench.edits.scenarios.replay import replay
from bench.edits.scenarios.scenario import Cursor, Earlier, Scenario, ScenarioError, Step, load, parse

TEXT = """A rename: two places follow.
id: rename
language: python
file: a.py
row: 2
col: 99
viewportTop: 1
viewportBottom: 20
targets: one, another
-- buffer.txt --
b = 1
print(a)
print(a)
-- history --
<|file|> a.py
<|old|>
a = 1
<|new|>
b = 1
<|file|> other.py
<|old|>
<|new|>
c = 1
-- steps --
# One after the other.
request-completion manual
  expect shown !suppressed
accept

wait 1m0.5s
request-completion
reject
-- expected --
b = 1
print(b)
print(b)
"""


def only(text: str) -> Scenario:
    (scenario,) = parse(text, "a.txtar")
    return scenario


def test_a_scenario_is_read_whole() -> None:
    assert only(TEXT) == Scenario(
        name="rename",
        language="python",
        file="a.py",
        cursor=Cursor(row=2, col=8),
        completes_at=Cursor(row=2, col=8),
        modified=True,
        skips_history=False,
        buffer=("b = 1", "print(a)", "print(a)"),
        history=(
            Earlier(file="a.py", old=("a = 1",), new=("b = 1",)),
            Earlier(file="other.py", old=(), new=("c = 1",)),
        ),
        steps=(
            Step(action="request-completion", manual=True, shown=True, suppressed=False),
            Step(action="accept"),
            Step(action="wait", seconds=60.5),
            Step(action="request-completion"),
            Step(action="reject"),
        ),
        expected=("b = 1", "print(b)", "print(b)"),
    )


def test_each_further_cursor_is_a_scenario() -> None:
    scenarios = parse(TEXT.replace("row: 2", "row: 2\ncursor-positions: 1:0, 3:5\nfim-row: 1\nfim-col: 3"), "a.txtar")
    assert [each.name for each in scenarios] == ["rename@L2", "rename@L1", "rename@L3"]
    assert [each.cursor.col for each in scenarios] == [8, 0, 5]
    assert {each.completes_at for each in scenarios} == {Cursor(row=1, col=3)}


@pytest.mark.parametrize(
    ("line", "other", "message"),
    [
        ("row: 2", "row: two", "a.txtar:5: row is a number, not 'two'"),
        ("row: 2", "row: 4", "a.txtar:5: row 4 of a buffer of 3 lines"),
        ("row: 2", "row: 2\nrow: 3", "a.txtar:6: a second 'row'"),
        ("row: 2\n", "", "a.txtar:1: the header has no 'row'"),
        ("row: 2", "row: 2\nfim-row: 1", "a.txtar:6: fim-row without fim-col"),
        ("row: 2", "row: 2\ncursor-positions: 1", "a.txtar:6: a cursor is ROW:COL, not '1'"),
        ("row: 2", "row: 2\nmodified: maybe", "a.txtar:6: modified is true or false, not 'maybe'"),
        ("targets:", "target:", "a.txtar:9: unknown line 'target: one, another'"),
        ("-- history --", "-- past --", "a.txtar:14: unknown section 'past'"),
        ("-- history --", "-- buffer.txt --", "a.txtar:14: a second section 'buffer.txt'"),
        ("-- steps --", "-- cassette/one --", "a.txtar:1: there is no section 'steps'"),
        ("<|old|>\na", "a", "a.txtar:16: 'a = 1' stands before <|old|>"),
        ("<|old|>\na = 1\n", "", "a.txtar:16: <|new|> where <|old|> belongs"),
        ("<|old|>\n<|new|>\nc = 1\n", "<|old|>\n", "a.txtar:21: <|new|> is missing"),
        ("accept\n", "approve\n", "a.txtar:28: unknown step 'approve'"),
        ("accept\n", "accept all\n", "a.txtar:28: unknown step 'accept all'"),
        ("wait 1m0.5s", "wait long", "a.txtar:30: unknown step 'wait long'"),
        ("manual\n", "by-hand\n", "a.txtar:26: unknown step 'request-completion by-hand'"),
        ("!suppressed", "loud", "a.txtar:27: unknown expectation 'loud'"),
        ("  expect", "  await", "a.txtar:27: unknown line 'await shown !suppressed'"),
        ("accept\n", "accept\n  expect shown\n", "a.txtar:29: an expectation belongs below a request-completion"),
    ],
)
def test_what_is_malformed_is_an_error_that_names_its_line(line: str, other: str, message: str) -> None:
    assert line in TEXT
    with pytest.raises(ScenarioError) as error:
        parse(TEXT.replace(line, other, 1), "a.txtar")
    assert str(error.value).startswith(message)


def test_a_folder_without_scenarios_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"there is no \.txtar file"):
        load(tmp_path)
    (tmp_path / "01-rename.txtar").write_text(TEXT)
    assert [each.name for each in load(tmp_path)] == ["rename"]


def test_chrf_is_what_a_hand_reckons() -> None:
    assert chrf("abc", "abc") == pytest.approx(100)
    assert chrf("abc", "xyz") == 0
    assert chrf("", "") == 100
    assert chrf("", "a") == 0
    # Of one letter 2 of 2 and of 3: P 1, R 2/3, F 5·(2/3)/(4+2/3) = 5/7; of two 1 of 1 and of 2: 5/9; of three 0 of 1.
    assert chrf("ab", "abc") == pytest.approx(100 * (5 / 7 + 5 / 9 + 0) / 3)
    # Of one letter "a" is shared once: P 1/2, R 1, F 5·(1/2)/(4/2+1) = 5/6; of two 0 of 1.
    assert chrf("aa", "a") == pytest.approx(100 * (5 / 6 + 0) / 2)


def test_delta_chrf_looks_at_changed_lines_alone() -> None:
    assert delta_chrf("a\nb\nc", "a\nx\nc", "a\nx\nc") == pytest.approx(100)
    assert delta_chrf("a\nb\nc", "a\nb\nc", "a\nxy\nc") == 0
    assert delta_chrf("a\nb\nc", "a\nx\nc", "a\nxy\nc") == pytest.approx(chrf("x", "xy"))
    assert delta_chrf("a\nb", "a\nb", "a\nb") == 100


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with serving([sys.executable, "-m", "tests.unit.bench.stub_server"]) as client:
        yield client


def test_edits_that_are_accepted_add_up_and_one_that_is_rejected_does_not(client: Client) -> None:
    scenario = only(TEXT.replace("wait 1m0.5s", "wait 1ms"))
    rejected = replay(scenario, client, "edit")
    assert rejected.shown
    assert rejected.produced == "b = 1\nprint(b)\nprint(a)\n"
    assert len(rejected.ms) == 2
    assert not rejected.missed
    accepted = replay(replace(scenario, steps=scenario.steps[:-1]), client, "edit")
    assert accepted.produced == "b = 1\nprint(b)\nprint(b)\n"
    assert result_of(scenario, accepted).delta_chrf == pytest.approx(100)


def test_a_completion_is_asked_for_at_its_own_cursor(client: Client) -> None:
    scenario = replace(only(TEXT), completes_at=Cursor(row=3, col=8), steps=(Step(action="request-completion"),))
    assert replay(scenario, client, "completion").produced == "b = 1\nprint(a)\nprint(a)pass\n"


def test_an_unmodified_buffer_and_one_whose_history_is_skipped_are_opened_as_they_are(client: Client) -> None:
    steps = (Step(action="request-completion", shown=False, suppressed=True),)
    scenario = replace(only(TEXT), steps=steps, expected=None)
    assert replay(scenario, client, "edit").missed == ["not shown", "suppressed"]
    for quiet in (replace(scenario, modified=False), replace(scenario, skips_history=True)):
        replayed = replay(quiet, client, "edit")
        assert not replayed.shown
        assert not replayed.missed


def test_where_nothing_tells_what_was_modified_the_line_of_the_cursor_was_written(client: Client) -> None:
    scenario = replace(only(TEXT), history=(), steps=(Step(action="request-completion"),))
    assert not replay(scenario, client, "edit").shown


def test_the_score_is_likeness_times_the_harmonic_mean_of_both_rates() -> None:
    def result(shown: bool, likeness: float | None) -> Result:
        return Result(name="", shown=shown, delta_chrf=likeness, missed=(), reasons=(), produced="", ms=(2.0,))

    results = [result(True, 60.0), result(False, 0.0), result(True, None), result(False, None), result(False, None)]
    board = board_of("edit", [*results, result(False, None)])
    assert (board.show_rate, board.quiet_rate, board.delta_chrf) == (0.5, 0.75, 30.0)
    assert board.score == pytest.approx(0.3 * 2 * 0.5 * 0.75 / 1.25)
    other = {"score": 0.5, "deltaChrF": 60.0, "showRate": 1, "quietRate": 0.8}
    assert [line.split()[0] for line in table([board], {"other": other})[1:]] == ["other", "here,"]
