"""Words at a hole's edges."""

from __future__ import annotations

import pytest

from infill.text.words import identifier_completions, is_known, known_words, words_made

FILE = "import heapq\n\n\ndef merge(heap, max_items):\n    for item in range(9):\n        heap.pop(item)\n"


@pytest.mark.parametrize(
    ("marked", "text", "unknown"),
    [
        ("x = heap‸\n", "ap.pop()", True),
        ("x = heap‸\n", "q.pop()", False),
        ("x = heap‸\n", ".pop()", False),
        ("for i in ran‸\n", "dap:", True),
        ("for i in ran‸\n", "ded:", True),
        ("for i in ran‸\n", "ge(9):", False),
        # Behind a text, and on both sides of one.
        ("item ‸off\n", "inside", True),
        ("item ‸off\n", "inside ", False),
        ("x = h‸p\n", "ea", False),
        ("x = h‸p\n", "e.foo.o", True),
        ("x = h‸p\n", "xx", True),
        # A language's own words, forms of words, words that are put together, numbers.
        ("items.app‸\n", "end(1)", False),
        ("x = it‸\n", "ems", False),
        ("x = max‸\n", "_heap", False),
        ("x = HeapI‸\n", "tem()", False),
        ("x = 10‸\n", "0", False),
        ("x = ‸\n", "whatever", False),
        ("x = a‸b\n", "", False),
    ],
)
def test_words_that_stand_nowhere(marked: str, text: str, unknown: bool) -> None:
    before, after = marked.split("‸")
    known = known_words([before, after], "python", others=[FILE])
    assert any(not is_known(word, known) for word in words_made(before, text, after)) is unknown


@pytest.mark.parametrize(("language", "word"), [("go", "Errorf"), ("rust", "unwrap"), ("cobol", "return")])
def test_words_of_languages(language: str, word: str) -> None:
    assert is_known(word, known_words([], language))
    assert not is_known(word[:3] + "qq", known_words([], language))


@pytest.mark.parametrize(
    ("marked", "others", "found"),
    [
        ("def frobnicate_the_zyzzyva(x):\n    pass\n\n\nresult = frob‸\n", (), ["nicate_the_zyzzyva"]),
        ("result = frob‸ + 1\ndef frobnicate(x): ...\n", (), ["nicate"]),
        ("result = frob‸\n", ("frobnicate(1)\n",), ["nicate"]),
        # Behind the same receiver, then the nearest.
        ("def _split_chunks(self): ...\nself._split_all()\nself._split_‸\n", (), ["all", "chunks"]),
        ("foo_one\nfoo_two\nx = fo‸\n", (), ["o_two", "o_one"]),
        # Within a word.
        ("users = 1\nfor us‸s in x:\n", (), ["er"]),
        ("users = 1\nids = us‸ers.map()\n", (), []),
        # Nothing has begun, or too little, or a number; whole words only.
        ("frobnicate\nx = ‸\n", (), []),
        ("frobnicate\nx = f‸\n", (), []),
        ("x1000 = 1\ny = 10‸\n", (), []),
        ("afrobnicate\nx = frob‸\n", (), []),
    ],
)
def test_identifiers_that_begin_as_typed(marked: str, others: tuple[str, ...], found: list[str]) -> None:
    before, after = marked.split("‸")
    assert identifier_completions(before, after, others=others, count=4) == found
    assert identifier_completions(before, after, others=others, count=1) == found[:1]


def test_a_word_that_a_hole_cuts_in_two_is_not_known_by_its_halves() -> None:
    assert known_words(["begin one tw", "o three fo", "ur end"], "cobol") >= {"begin", "one", "three", "end"}
    assert known_words(["begin one tw", "o three fo", "ur end"], "cobol").isdisjoint({"tw", "ur", "o", "two", "four"})
