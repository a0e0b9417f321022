"""Line endings, and where a passage can be cut."""

from __future__ import annotations

import pytest

from infill.text.passage import line_ending_at, to_line_feeds
from tests.unit.infill.tiny import tiny_tokens


@pytest.mark.parametrize(
    ("marked", "ending"),
    [
        ("a|b\r\nc\n", "\r\n"),
        ("a\r\nb|\nc", "\n"),
        ("a\rb|\rc", "\r"),
        # Between the two halves of an ending, and on a last line without one.
        ("a\r|\nb\n", "\r\n"),
        ("a\r\nb\r\nc\nd|", "\r\n"),
        ("a|", "\n"),
        ("|", "\n"),
        ("|\r\n", "\r\n"),
    ],
)
def test_the_line_ending_of_a_place(marked: str, ending: str) -> None:
    assert line_ending_at(marked.replace("|", ""), marked.index("|")) == ending


def test_the_model_sees_line_feeds() -> None:
    assert to_line_feeds("a\r\nb\rc\nd\n\r") == "a\nb\nc\nd\n\n"


def test_a_passage_is_cut_between_characters() -> None:
    passage = tiny_tokens().passage("a😀b")
    assert [passage.inside(i) for i in range(len(passage))] == [False, False, True, True, True, False]
    assert [passage.at_or_after(i) for i in (-1, 0, 1, 2, 4, 5, 6, 9)] == [0, 0, 1, 5, 5, 5, 6, 6]
    assert [passage.at_or_before(i) for i in (-1, 0, 1, 2, 4, 5, 6, 9)] == [0, 0, 1, 1, 1, 5, 6, 6]
    assert passage.cut(1, 5).text == "😀"
    assert passage.cut(5, 6).starts.tolist() == [0]


def test_lines_begin_with_tokens() -> None:
    passage = tiny_tokens().passage("foo\n\n    bar\nx")
    assert [passage.text[passage.offset(i) :] for i in passage.line_starts()] == [passage.text, "    bar\nx", "x"]
