"""The window: where it is cut, that it stays while somebody types, and that offsets hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgemma_lsp.documents.lines import Place, split_lines
from dgemma_lsp.documents.window import PARSED, STRIDE, cut_window, parsed_lines, prompt_path

LINES = [f"line {number:04}\n" for number in range(1000)]
LENGTH = len(LINES[0])


def test_a_small_text_is_taken_whole() -> None:
    window = cut_window(["ab\n", "cd"], [(Place(0, 1), Place(0, 1))], before=100, after=100)
    assert (window.text, window.prefix, window.suffix) == ("ab\ncd", "a", "b\ncd")


def test_a_large_text_is_cut_between_lines() -> None:
    window = cut_window(LINES, [(Place(500, 3), Place(500, 3))], before=1000, after=500)
    assert window.text.startswith("line 0")
    assert window.text.endswith("\n")
    assert 1000 - (STRIDE + 1) * LENGTH < len(window.prefix) <= 1000
    assert 500 - LENGTH < len(window.suffix) <= 500
    assert window.first_line % STRIDE == 0


def test_the_beginning_stays_while_lines_are_typed() -> None:
    at = [(Place(line, 0), Place(line, 0)) for line in range(500, 500 + STRIDE)]
    firsts = [cut_window(LINES, [hole], before=1000, after=500).first_line for hole in at]
    assert len(set(firsts)) == 2


def test_a_long_line_is_cut_inside() -> None:
    window = cut_window(["a" * 100 + "b" * 100 + "\n", "c"], [(Place(0, 100), Place(0, 100))], before=10, after=20)
    assert (window.prefix, window.suffix) == ("a" * 10, "b" * 20)


def test_long_lines_leave_context_before_the_hole() -> None:
    lines = ["x" * 400 + "\n"] * 100
    window = cut_window(lines, [(Place(50, 0), Place(50, 0))], before=2000, after=100)
    assert len(window.prefix) == 4 * 401


@pytest.mark.parametrize(
    ("lines", "line", "near"),
    [
        (["a\n"] * 10, 5, range(10)),
        (["a" * (PARSED // 2) + "\n"] * 9, 4, range(3, 6)),
        (["a" * PARSED + "\n", "b\n", "c\n"], 1, range(1, 3)),
        (["a\n", "b" * PARSED + "\n", "c\n"], 1, range(1, 1)),
    ],
    ids=["all", "long lines", "beside a minified line", "a minified line"],
)
def test_a_parser_reads_so_many_characters_on_either_side(lines: list[str], line: int, near: range) -> None:
    assert parsed_lines(lines, line) == near


def test_all_between_two_holes_is_kept() -> None:
    holes = [(Place(10, 0), Place(10, 4)), (Place(900, 1), Place(901, 2))]
    window = cut_window(LINES, holes, before=20, after=20)
    first, second = window.holes
    assert window.text[first.start : first.end] == "line"
    assert window.text[second.start : second.end] == "ine 0900\nli"
    assert (second.start - first.end) == 890 * LENGTH - 4 + 1


@given(st.text(alphabet="ab\n\r😀\ud800", max_size=60), st.data())
def test_the_window_is_the_text_around_the_hole(text: str, data: st.DataObject) -> None:
    lines = split_lines(text)
    line = data.draw(st.integers(0, len(lines) - 1))
    column = data.draw(st.integers(0, len(lines[line].rstrip("\r\n"))))
    at = sum(map(len, lines[:line])) + column
    before, after = data.draw(st.integers(1, 80)), data.draw(st.integers(1, 80))
    window = cut_window(lines, [(Place(line, column), Place(line, column))], before=before, after=after)
    readable = text.replace("\ud800", "\N{REPLACEMENT CHARACTER}")
    assert readable[:at].endswith(window.prefix)
    assert readable[at:].startswith(window.suffix)
    assert len(window.prefix) <= before
    assert len(window.suffix) <= after
    assert window.holes[0].start == len(window.prefix)


@pytest.mark.parametrize(
    ("uri", "folders", "path"),
    [
        ("file:///w/src/a.py", ["file:///w"], "src/a.py"),
        ("file:///w/src/a.py", ["file:///w/", "file:///w/src"], "a.py"),
        ("file:///w2/a.py", ["file:///w"], "a.py"),
        ("file:///w/a%20b%C3%A9.py", [], "a bé.py"),
        ("untitled:Untitled-1", [], "Untitled-1"),
        ("vscode-notebook-cell:/w/a.ipynb#X", ["file:///w"], "a.ipynb"),
    ],
)
def test_prompt_path(uri: str, folders: list[str], path: str) -> None:
    assert prompt_path(uri, folders) == path
