"""Text to ids and back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import CheckpointError
from infill.text import tokens
from infill.text.tokens import TextTokens
from tests.unit.infill.tiny import CONTROL, tiny_tokenizer, tiny_tokens

TOKENS = tiny_tokens()
# The tokenizer's own sign for a blank decodes as one, as it does in every tokenizer of this kind.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="▁"))


@given(TEXT)
def test_text_comes_back(text: str) -> None:
    assert TOKENS.decode(TOKENS.encode(text)) == text


@given(TEXT)
def test_pieces_and_starts_agree_with_the_text(text: str) -> None:
    passage = TOKENS.passage(text)
    assert "".join(TOKENS.decode_pieces(passage.ids)) == text
    for i in range(len(passage)):
        cut = passage.at_or_after(i)
        assert TOKENS.decode(passage.ids[:cut]) == text[: passage.offset(cut)]


def test_no_request_waits_for_an_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are built with the tokens, while a checkpoint loads."""
    made = tiny_tokens()
    monkeypatch.delattr(tokens, "_PrefixIndex")
    assert made.starting_with("to") == TOKENS.starting_with("to")
    assert made.ending_with("l") == TOKENS.ending_with("l")


@pytest.mark.parametrize("spelled", ["<|turn>", "a<eos>b", "<bos><turn|>\n"])
def test_control_tokens_in_a_text_are_text(spelled: str) -> None:
    ids = TOKENS.encode(spelled).tolist()
    assert not set(TOKENS.banned_in_hole).intersection(ids)
    assert TOKENS.decode(ids) == spelled


def test_half_a_character_is_left_out() -> None:
    ids = TOKENS.encode("a😀").tolist()
    assert len(ids) == 5
    assert [TOKENS.decode(ids[:size]) for size in range(1, 6)] == ["a", "a", "a", "a", "a😀"]
    assert TOKENS.decode(ids[2:]) == ""
    assert TOKENS.decode_pieces(ids) == ("a", "", "", "", "😀")


def test_lone_surrogates_are_replaced() -> None:
    assert TOKENS.decode(TOKENS.encode("a\ud800b")) == "a\ufffdb"


def test_what_a_hole_may_not_hold() -> None:
    banned = {piece for i in TOKENS.banned_in_hole for piece in TOKENS.decode_pieces([i])}
    assert set(CONTROL) <= banned
    assert set(TOKENS.newline_ids) == {i for i in range(TOKENS.size) if set(TOKENS.decode([i])) & set("\r\n")}
    assert not set(TOKENS.banned_in_hole).intersection(TOKENS.encode("any text, in bytes too: 😀\r\n").tolist())


@pytest.mark.parametrize(
    ("head", "tail", "spanning"),
    [
        ("to", "", {"to", "tot", "tota", "total"}),
        ("", "otal", {"total", " total"}),
        (" t", "al", {" total"}),
        ("tal", "al", set[str]()),
    ],
)
def test_tokens_at_an_edge(head: str, tail: str, spanning: set[str]) -> None:
    ids = TOKENS.spanning(head, tail)
    assert {TOKENS.decode([i]) for i in ids} == spanning
    assert set(ids) <= set(TOKENS.starting_with(head)) & set(TOKENS.ending_with(tail))


def test_a_token_that_no_longer_one_begins_or_ends_with_is_none_at_an_edge() -> None:
    begins, ends = (TOKENS.is_beginning, TOKENS.is_ending)
    assert [begins("("), begins(")"), begins("tot"), begins("total")] == [True, False, True, False]
    assert [ends(")"), ends("("), ends("total"), ends(" total")] == [True, False, True, False]


def test_an_edge_is_the_same_object_each_time() -> None:
    assert TOKENS.starting_with(" ") is TOKENS.starting_with(" ")
    assert TOKENS.spanning(" t", "al") is TOKENS.spanning(" t", "al")


def test_load_reads_a_checkpoint(tmp_path: Path) -> None:
    tiny_tokenizer().save(str(tmp_path / "tokenizer.json"))
    tokens = TextTokens.load(tmp_path)
    assert tokens.control == TOKENS.control
    assert tokens.size == TOKENS.size


def test_load_names_the_missing_file(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"tokenizer\.json does not exist"):
        TextTokens.load(tmp_path)


def test_load_names_the_broken_file(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text('{"version": "1.0", ')
    with pytest.raises(CheckpointError, match=r"tokenizer\.json cannot be read"):
        TextTokens.load(tmp_path)


def test_load_names_a_missing_control_token(tmp_path: Path) -> None:
    foreign = tuple(token for token in CONTROL if "turn" not in token)
    tiny_tokenizer(foreign).save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(CheckpointError, match=r"tokenizer\.json: .*no control token <\|turn> <turn\|>"):
        TextTokens.load(tmp_path)


def test_a_passage_is_cut_between_characters() -> None:
    passage = TOKENS.passage("a😀b")
    assert [passage.inside(i) for i in range(len(passage))] == [False, False, True, True, True, False]
    assert [passage.at_or_after(i) for i in (-1, 0, 1, 2, 4, 5, 6, 9)] == [0, 0, 1, 5, 5, 5, 6, 6]
    assert [passage.at_or_before(i) for i in (-1, 0, 1, 2, 4, 5, 6, 9)] == [0, 0, 1, 1, 1, 5, 6, 6]
    assert passage.cut(1, 5).text == "😀"
    assert passage.cut(5, 6).starts.tolist() == [0]


def test_lines_begin_with_tokens() -> None:
    passage = TOKENS.passage("foo\n\n    bar\nx")
    assert [passage.text[passage.offset(i) :] for i in passage.line_starts()] == [passage.text, "    bar\nx", "x"]
