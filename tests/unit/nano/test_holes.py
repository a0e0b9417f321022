"""Holes fall where their kind says, and held-out windows keep the hole's text."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from bench.nano import heldout_renames, tokenizer
from bench.nano.corpus import Document
from bench.nano.heldout import cases, is_table, prose_spans, window
from bench.nano.holes import KINDS, Kind, draw
from bench.nano.scale import FULL
from bench.nano.sources import Split
from infill.request import Span
from infill.text.tokens import TextTokens
from tests.unit.nano.sources import PYTHON

TEXT = '''"""Doc
string."""


def first(value):
    if value:
        return value + 1
    return 0  # None.


X = first(3)
'''


@pytest.mark.parametrize("kind", KINDS)
def test_holes_of_a_kind(kind: Kind) -> None:
    rng = random.Random(0)
    for _ in range(100):
        hole = draw(TEXT, kind, rng)
        assert hole is not None
        middle = TEXT[hole.start : hole.end]
        line_ends = TEXT[hole.end : hole.end + 1] == "\n"
        assert len(middle.strip()) >= 3
        if kind == "single":
            assert "\n" not in middle
            assert line_ends
        if kind == "block":
            assert "\n" in middle
            assert line_ends
            assert TEXT[: hole.start].rsplit("\n", 1)[-1].isspace() or TEXT[hole.start - 1] == "\n" or hole.start == 0


def test_a_text_without_room_has_no_hole() -> None:
    assert draw("\n\n  \n", "single", random.Random(0)) is None


def test_prose_is_comments_and_strings_of_several_lines() -> None:
    assert [TEXT[span.start : span.end] for span in prose_spans(TEXT)] == ['"""Doc\nstring."""', "# None."]


def test_only_line_feeds_end_a_line_of_prose() -> None:
    text = "x = 1\n\f\ny = '\x1c \u2028'  # Here.\n"
    assert [text[span.start : span.end] for span in prose_spans(text)] == ["# Here."]


def test_tables_are_told_from_code() -> None:
    assert is_table("CODES = {\n" + "    'name': 1,\n" * 9 + "}\n")
    assert not is_table(TEXT)


@pytest.mark.parametrize("start", [0, 500, 5_000, 9_990])
def test_a_window_is_whole_lines_around_the_same_hole(start: int) -> None:
    text = "".join(f"line {i:04}\n" for i in range(1_000))
    shown, hole = window(text, Span(start=start, end=start + 7))
    assert shown[hole.start : hole.end] == text[start : start + 7]
    assert shown in text
    assert shown.startswith("line")
    assert shown.endswith("\n")
    assert len(shown) < 4_000


def test_cases_avoid_prose_and_repeat_with_the_seed() -> None:
    documents = [
        Document(package=f"p{i}", path=f"p{i}/m.py", language="python", text=TEXT.replace("first", f"name{i}"))
        for i in range(3)
    ]
    made = list(cases(documents, 4, seed=1))
    assert made == list(cases(documents, 4, seed=1))
    assert made[:6] == list(cases(documents, 2, seed=1))
    assert {case["split"] for case in made} == set(KINDS)
    for case in made:
        assert not any(span.start <= case["start"] < span.end for span in prose_spans(case["text"]))


def test_held_out_renames_are_short_and_repeat_with_the_seed() -> None:
    tokens = TextTokens(tokenizer.train([PYTHON.text]))
    documents = [replace(PYTHON, package=f"p{i}", path=f"p{i}/m.py") for i in range(2)]
    made = list(heldout_renames.draw(documents, tokens, 6, seed=1))
    assert made == list(heldout_renames.draw(documents, tokens, 6, seed=1))
    assert made[:3] == list(heldout_renames.draw(documents, tokens, 3, seed=1))
    for row in made:
        middle = row["text"][row["start"] : row["end"]]
        assert middle != row["answer"]
        assert max(len(tokens.encode(text)) for text in (middle, row["answer"])) <= heldout_renames.MOST_TOKENS


@pytest.mark.parametrize(("split", "count"), FULL.renames.items())
def test_the_fixed_renames_are_read(split: Split, count: int) -> None:
    examples = heldout_renames.read(split)
    assert len(examples) == count
    assert all(example.request.instruction and example.request.middles != example.answers for example in examples)
