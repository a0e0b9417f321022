"""Lines to be mended: what was one name of a line is another of its file, and the true line is wanted back."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace

from bench.cases import Case
from bench.nano.identifiers import chosen_names


def wrong_names(cases: Iterable[Case]) -> Iterator[Case]:
    """The cases whose hole holds a name, with a draft in which one is another of the text; drawn by the case's name."""
    for case in cases:
        names = chosen_names(case.text, case.language)
        here = [name for name in names if case.hole.start <= name.start < case.hole.end]
        others = sorted({name.name for name in names} - {name.name for name in here})
        if here and others:
            drawn = zlib.crc32(case.name.encode())
            wrong = here[drawn % len(here)]
            start = wrong.start - case.hole.start
            other = others[drawn % len(others)]
            yield replace(case, draft=case.truth[:start] + other + case.truth[start + len(wrong.name) :])
