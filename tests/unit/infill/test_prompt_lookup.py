"""Copies from places of a window whose surroundings match the hole's."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infill.profile import CopyPrior
from infill.propose.prompt_lookup import copies, copy_probs, identifier_probs

PRIOR = CopyPrior(
    max_prob=0.4, even_characters=30, nats_per_character=0.1, identifier_within=0.3, identifier_to_end=0.06
)
TEXTS = st.text(alphabet="ab (\n", max_size=60)


@pytest.mark.parametrize(
    ("marked", "others", "lines", "found"),
    [
        ("x = foo(1)\ny = 2\nx = ⟦⟧\n", (), False, ["foo(1)", "2"]),  # More is alike around the first.
        ("x = ⟦⟧\ny = foo(1)\n", (), False, ["foo(1)"]),
        ("x = foo(1)\nx = ⟦⟧", (), False, ["foo(1)"]),  # A file's end is a line's end.
        ("call(a, 1)\ncall(⟦⟧, 1)\n", (), False, ["a"]),
        ("if a:\n    b()\n    c()\nif a:\n⟦⟧    c()\n", (), True, ["    b()\n"]),
        ("if a:\n    b()\n    c()\nif a:\n⟦⟧    c()\n", (), False, []),
        ("x = ⟦⟧\n", ("x = foo(1)\n",), False, ["foo(1)"]),
        ("x = \nx = ⟦⟧\n", (), False, []),
        ("x = '\ud800'\nx = ⟦⟧\n", (), False, []),
        ("⟦⟧\n", ("x = foo(1)\n",), False, []),
        # Lines are indented as they would be here.
        ("    if a:\n        b()\nif a:⟦⟧\n", (), True, ["\n    b()"]),
        ("if a:\n    b()\n    if a:⟦⟧\n", (), True, ["\n        b()"]),
        ("a\n        foo()\na\n    ⟦⟧\n", (), False, ["foo()"]),
        ("x = ⟦⟧\n", (), False, []),
    ],
)
def test_texts_between_the_same_characters_the_most_alike_first(
    marked: str, others: tuple[str, ...], lines: bool, found: list[str]
) -> None:
    before, after = marked.split("⟦⟧")
    assert list(copies(before, after, others=others, lines=lines, count=4, longest=240)) == found


def test_the_more_is_alike_the_likelier_it_is_a_copy_and_it_is_never_certain() -> None:
    def likely(common: str) -> float:
        [value] = copy_probs(
            copies(f"{common} = foo(1)\n\n{common} = ", "\n", lines=False, count=4, longest=240), PRIOR
        ).values()
        return value

    values = [likely(common) for common in ("x", "x.long_name", "x" * 64)]
    assert values == sorted(values)
    assert values[0] < 0.1 < 0.3 < values[-1] < 0.5
    many = "".join(f"x = foo({i})\n" for i in range(9))
    assert sum(copy_probs(copies(many + "x = ", "\n", lines=False, count=4, longest=240), PRIOR).values()) < 0.5


def test_an_identifiers_end_is_likelier_within_a_line_and_never_certain() -> None:
    to_end, within = (identifier_probs(["bing", "nicate"], PRIOR, within=own) for own in (False, True))
    assert to_end["bing"] < within["bing"]
    assert within["nicate"] < within["bing"]
    assert sum(within.values()) < 0.5


def test_a_long_run_of_blanks_is_compared_in_a_few_places_only() -> None:
    blanks = " " * 100_000
    assert copies(f"x = 1\n{blanks}", "\n", others=[blanks], lines=False, count=4, longest=240) == {}


@given(before=TEXTS, after=TEXTS, other=TEXTS, lines=st.booleans())
@settings(max_examples=200, deadline=None)
def test_every_copy_stands_between_what_stands_around_the_hole(
    before: str, after: str, other: str, lines: bool
) -> None:
    found = copies(before, after, others=[other], lines=lines, count=4, longest=240)
    assert list(found.values()) == sorted(found.values(), reverse=True)
    for text in found:
        # Its lines are indented as those here are.
        piece = (before[-3:] + text + (after or "\n")[:1]).replace(" ", "")
        assert any(piece in source.replace(" ", "") for source in (before, after or "\n", other))
        assert text.strip()
        assert lines or "\n" not in text
