"""Where holes fall in real files: ends of lines, whole lines, random spans, blocks. Offsets are code points."""

from __future__ import annotations

import random
from typing import Literal, TypeAlias

from bench.nano.lines import line_end, line_of, line_starts, lines_from, written
from infill.request import Span

Kind: TypeAlias = Literal["single", "random", "block"]
KINDS: tuple[Kind, ...] = ("single", "random", "block")

_ATTEMPTS = 20
_LEAST_CHARACTERS = 3
_RANDOM_CHARACTERS = 40
_MOST_CHARACTERS = 240
_MOST_LINES = 6


def draw(text: str, kind: Kind, rng: random.Random) -> Span | None:
    """A hole of a kind at a random place of a text, or None where it was not found in some attempts.

    single: the rest of a line, half of the time all of it but its indentation. random: any start, a length drawn from
    an exponential distribution. block: two or more lines, from a line's first letter to the end of the last one that
    stands no less deep.
    """
    starts = line_starts(text)
    for _ in range(_ATTEMPTS):
        if kind == "random":
            hole = random_span(text, rng.randrange(len(text)), rng)
        else:
            hole = _worth_filling(text, *_lines(text, starts, rng.randrange(len(starts)), kind, rng))
        if hole is not None:
            return hole
    return None


def random_span(text: str, start: int, rng: random.Random) -> Span | None:
    """A hole of a random length, or None where that is too little or too much."""
    end = min(start + 1 + int(rng.expovariate(1 / _RANDOM_CHARACTERS)), len(text))
    return _worth_filling(text, start, end)


def line_ends(text: str, rng: random.Random) -> list[Span] | None:
    """Two or three holes on neighbouring lines, each the rest of its line from a random letter on, or all of it; or
    None where no such lines were found in some attempts."""
    for _ in range(_ATTEMPTS):
        region = lines_from(text, rng.randrange(len(text)), rng.randint(2, _MOST_LINES))
        starts = {line_of(text, position).start for position in range(region.start, region.end)}
        lines = [written(text, line_of(text, start)) for start in sorted(starts)]
        lines = [line for line in lines if line.end - line.start >= _LEAST_CHARACTERS]
        if len(lines) < 2:
            continue
        chosen = sorted(rng.sample(lines, min(rng.randint(2, 3), len(lines))))
        cuts = [rng.choice((line.start, rng.randrange(line.start, line.end - 1))) for line in chosen]
        return [Span(start=cut, end=line.end) for cut, line in zip(cuts, chosen, strict=True)]
    return None


def _worth_filling(text: str, start: int, end: int) -> Span | None:
    hole = text[start:end]
    fits = len(hole.strip()) >= _LEAST_CHARACTERS and len(hole) <= _MOST_CHARACTERS
    return Span(start=start, end=end) if fits else None


def _depth(text: str, start: int) -> int:
    """Width of the indentation of the line at `start`; -1 where it is blank."""
    line = text[start : line_end(text, start)]
    return len(line) - len(line.lstrip()) if line.strip() else -1


def _lines(text: str, starts: list[int], index: int, kind: Kind, rng: random.Random) -> tuple[int, int]:
    """A hole that begins on line `index`; empty where that line does not do."""
    depth, end = _depth(text, starts[index]), line_end(text, starts[index])
    start = starts[index] + depth
    if depth < 0:
        return 0, 0
    if kind == "single":
        return (start if rng.random() < 0.5 else rng.randrange(start, end)), end
    last, most = index, rng.randint(2, _MOST_LINES)
    while last + 1 < len(starts) and last + 1 - index < most and _depth(text, starts[last + 1]) >= depth:
        last += 1
    return (start, line_end(text, starts[last])) if last > index else (0, 0)
