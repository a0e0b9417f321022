"""The card states what was measured, shows misses as misses, and draws the curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.answers import Answer
from bench.cases import Case
from bench.nano import card
from bench.nano.measures import CausalNats, Exactness, Figures, Share
from bench.nano.shapes import Comparison, Reached
from infill.request import Span

SOURCES = [
    {"package": "tool", "version": "1.0", "licence": "MIT", "split": "train", "characters": 1200},
    {"package": "python/ast", "version": "3.11.7", "licence": "PSF-2.0", "split": "train", "characters": 30},
    {"package": "python/json", "version": "3.11.7", "licence": "PSF-2.0", "split": "heldout", "characters": 40},
]
LOG = [
    {
        "stage": "causal",
        "step": 20,
        "tokens": 1_000_000,
        "seconds": 1800.0,
        "rate": 1.0,
        "causal_plain": 5.0,
        "tuning_causal": 5.1,
        "tuning_hole": 6.0,
    },
    {
        "stage": "adapt",
        "step": 40,
        "tokens": 2_000_000,
        "seconds": 3600.0,
        "rate": 0.1,
        "canvas": 4.0,
        "tuning_causal": 4.2,
        "tuning_hole": 5.5,
    },
]
TEXT = "a = 1\nb = 2\nc = 3\n"
CASE = Case(name="single/0", path="m.py", text=TEXT, hole=Span(start=10, end=11), mode="line")


TWIN_LOG = [LOG[0], LOG[1] | {"stage": "twin", "tokens": 1_500_000, "rate": 1.0}]


def compared(*nats: float) -> Comparison:
    """Of runs that ended there, the shipped shape's first."""
    runs = [
        Reached(words=f"shape {number}", parameters=2**20, steps=30, tokens=60_000, nats=value, lines=0.25)
        for number, value in enumerate(nats)
    ]
    return Comparison(seconds=90.0, machine="that one", torch="2.13.0", reached=tuple(runs))


COMPARED = compared(5.0, 5.125, 5.5)


def rendered(
    written: str | None,
    twin: Figures | None = None,
    twin_log: Sequence[Mapping[str, Any]] = (),
    shapes: Comparison = COMPARED,
) -> str:
    return card.render(
        sources=SOURCES,
        log=LOG,
        causal=CausalNats(tokens=500, encoder=4.25, ngrams={2: 4.75, 5: 4.3125}),
        own=Figures(exact=(Exactness(split="single", every=Share(1, 8), short=Share(0, 0)),), renames=Share(3, 4)),
        twin=twin,
        twin_log=twin_log,
        compared=shapes,
        shown=[(CASE, Answer(middle=written, passes=1, token_positions=1, ms=1.0))],
    )


def test_figures_and_sources_stand_in_the_card() -> None:
    text = rendered("2")
    for part in (
        "4.25 |",
        "2-gram, same tokens and training text | 4.75",
        "| single, all holes | 12.5% of 8 | - |",
        "| single, holes of at most 4 tokens | - | - |",
        "| renames in words | 75.0% of 4 | - |",
        "40 steps, 2.0 million tokens",
        "train causal --steps 20\n",
        "train adapt --steps 40 --decay 10\n",
        "1.0 hours",
        "| train | tool | 1.0 | MIT | 1,200 |",
        "standard library: json",
        "5.50 nats",
    ):
        assert part in text
    assert "{" not in text


def test_the_twin_stands_beside_it() -> None:
    twin = Figures(exact=(Exactness(split="single", every=Share(1, 4), short=Share(0, 2)),), renames=Share(0, 4))
    text = rendered("2", twin, TWIN_LOG)
    assert "| single, all holes | 12.5% of 8 | 25.0% of 4 |" in text
    assert "| renames in words | 75.0% of 4 | 0.0% of 4 |" in text
    assert "for 0.5 million tokens: `torchrun" in text
    assert "train twin --steps 40`" in text


def test_shapes_stand_in_the_card_and_whether_another_was_better() -> None:
    text = rendered("2")
    assert "| shape 2 | 1.0 | 2.0 | 30 | 0.06 | 5.500 | 25.0% |" in text
    assert "`python -m bench.nano shapes --minutes 1.5`" in text
    assert "busy machine: that one, torch\n2.13.0)" in text
    assert "weights ended 0.125 nats a character away, and no other shape ended lower" in text
    better = '"shape 3" ended {} lower than both of its runs{}'
    assert better.format("0.250", ".**") in rendered("2", shapes=compared(5.0, 5.125, 5.5, 4.75))
    assert better.format("0.062", ", which may be chance.") in rendered("2", shapes=compared(5.0, 5.125, 5.5, 4.9375))


def test_examples_say_whether_they_are_right() -> None:
    assert "a = 1\nb = ⟦ ⟧\nc = 3" in rendered("2")
    assert "written: `2` (right)" in rendered("2")
    assert "written: `5` (not the same)" in rendered("5")
    assert "written: nothing (not the same)" in rendered(None)


def test_curves_are_an_image_and_the_same_each_time(tmp_path: Path) -> None:
    card.draw_curves(LOG, tmp_path / "a.png")
    card.draw_curves(LOG, tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
