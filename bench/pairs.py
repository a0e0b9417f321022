"""Two holes that depend on each other, filled jointly and one after the other: `python -m bench.pairs [--limit N]`.

The holes are a name where it is given (an assignment, a parameter) and where it is used next. Jointly, both stand in
one canvas; one after the other, the second is asked for once the first is filled. Both names have to be right.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from statistics import fmean

from bench.bootstrap import ratio
from bench.cases import HELD_OUT, OWN_SPLITS, TUNING, Case, load
from bench.machine import machine
from bench.methods import Model
from bench.nano.identifiers import chosen_names
from engine.nano import DIRECTORY
from infill.fill import Infiller
from infill.request import Filled, InfillRequest, Span

_MOST_CHARACTERS = 300
_ASSIGNMENT = re.compile(r"[ \t]*(:[^=\n]+)?=(?!=)")
_PARAMETER = re.compile(r"[ \t]*(async )?def \w+\([^)\n]*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A text and the two places of a name in it."""

    path: str
    text: str
    given: Span
    used: Span

    @property
    def name(self) -> str:
        return self.text[self.given.start : self.given.end]

    @property
    def blank(self) -> InfillRequest:
        """The request for both places, emptied."""
        start, between = self.given.start, self.used.start - self.given.end
        text = self.text[:start] + self.text[self.given.end : self.used.start] + self.text[self.used.end :]
        holes = Span(start=start, end=start), Span(start=start + between, end=start + between)
        return InfillRequest(text=text, holes=holes, path=self.path, mode="line")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a pair: whether both names are right, and whether they are at least the same."""

    right: bool
    same: bool
    passes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One way over all pairs; passes are means."""

    method: str
    n: int
    both_right: float
    same: float
    passes: float


def pairs(cases: Sequence[Case]) -> Iterator[Pair]:
    """The first pair of each case's text."""
    seen: set[tuple[str, str]] = set()
    for case in cases:
        pair = next(_pairs(case), None)
        if pair is not None and (pair.path, pair.name) not in seen:
            seen.add((pair.path, pair.name))
            yield pair


def _pairs(case: Case) -> Iterator[Pair]:
    """Names that are first given in a text, with their next use."""
    places: dict[str, list[int]] = {}
    for identifier in chosen_names(case.text, case.language):
        if identifier.kind == "plain" and len(identifier.name) > 1:
            places.setdefault(identifier.name, []).append(identifier.start)
    for name, starts in places.items():
        if not _is_given(case.text, starts[0], name):
            continue
        words = [match.start() for match in re.finditer(rf"(?<!\w){name}(?!\w)", case.text)]
        # The first two words that are spelled so have to be these: a comment or a string would give the name away.
        if len(words) > 1 and words[:2] == starts[:2] and words[1] - words[0] <= _MOST_CHARACTERS:
            given, used = (Span(start=at, end=at + len(name)) for at in words[:2])
            yield Pair(path=case.path, text=case.text, given=given, used=used)


def _is_given(text: str, start: int, name: str) -> bool:
    left = text[text.rfind("\n", 0, start) + 1 : start]
    assigned = not left.strip() and _ASSIGNMENT.match(text, start + len(name)) is not None
    return assigned or _PARAMETER.fullmatch(left) is not None


def jointly(infiller: Infiller, pair: Pair) -> Outcome:
    """Both holes in one canvas."""
    texts, passes = _fill(infiller, pair.blank)
    return _outcome(pair, texts, passes)


def in_turn(infiller: Infiller, pair: Pair) -> Outcome:
    """The first hole while the second is just missing, then the second."""
    blank = pair.blank
    [first], passes = _fill(infiller, replace(blank, holes=blank.holes[:1]))
    at = blank.holes[0].start
    second = Span(start=blank.holes[1].start + len(first), end=blank.holes[1].start + len(first))
    filled = replace(blank, text=blank.text[:at] + first + blank.text[at:], holes=(second,))
    [last], more = _fill(infiller, filled)
    return _outcome(pair, (first, last), passes + more)


WAYS = {"jointly": jointly, "in turn": in_turn}


def _fill(infiller: Infiller, request: InfillRequest) -> tuple[tuple[str, ...], int]:
    """The best texts, empty where nothing was offered, and the passes spent."""
    *_, filled = infiller.fill(request)
    if not isinstance(filled, Filled):
        raise TypeError("the pipeline ended without its last word")
    texts = filled.candidates[0].texts if filled.candidates else ("",) * len(request.holes)
    return texts, filled.stats.passes


def _outcome(pair: Pair, texts: Sequence[str], passes: int) -> Outcome:
    first, second = texts
    return Outcome(right=first == second == pair.name, same=bool(first) and first == second, passes=passes)


def main() -> None:
    """Measure and print."""
    options = _arguments()
    cases = [case for split in OWN_SPLITS for case in load(split, own=TUNING if options.tuning else HELD_OUT)]
    chosen = list(islice(pairs(cases), options.limit))
    infiller = Model(options.checkpoint, options.device).infiller
    outcomes = {name: [way(infiller, pair) for pair in chosen] for name, way in WAYS.items()}
    rows = [
        Row(
            method=name,
            n=len(own),
            both_right=fmean(outcome.right for outcome in own),
            same=fmean(outcome.same for outcome in own),
            passes=fmean(outcome.passes for outcome in own),
        )
        for name, own in outcomes.items()
    ]
    interval = ratio(*([float(outcome.right) for outcome in own] for own in outcomes.values()))
    if options.json:
        report = {"machine": machine(options.device), "checkpoint": options.checkpoint.name}
        print(json.dumps(report | {"rows": [asdict(row) for row in rows], "jointly/in turn": interval}))
        return
    for row in rows:
        print(f"{row.method:8} n {row.n}  right {row.both_right:6.1%}  same {row.same:6.1%}  passes {row.passes:.1f}")
    print("jointly/in turn, 95 %:", "none in turn" if interval is None else f"{interval[0]:.2f} to {interval[1]:.2f}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.pairs", description=__doc__)
    parser.add_argument("--limit", type=int, metavar="N", help="the first N pairs")
    parser.add_argument("--tuning", action="store_true", help="the tuning cases in place of the held-out ones")
    parser.add_argument("--checkpoint", type=Path, default=DIRECTORY, metavar="DIR", help="default: the embedded one")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


if __name__ == "__main__":
    main()
