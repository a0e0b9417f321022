"""Where to fill: `FILE:LINE:COL` or `FILE:LINE:COL-LINE:COL`, counted from 1 in lines and code points."""

from __future__ import annotations

import argparse
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from dgemma_lsp.cli.common import CommandError
from dgemma_lsp.documents.lines import Place, content_length

Hole: TypeAlias = tuple[Place, Place]

_HOLE = r"(\d+):(\d+)(?:-(\d+):(\d+))?"
_TARGET = re.compile(rf"(?P<file>.+):{_HOLE}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Target:
    """A file and the first hole in it."""

    path: Path
    hole: Hole


def parse_target(word: str) -> Target:
    """Read the argument; for `argparse`. A colon in the file's name is no trouble."""
    match = _TARGET.fullmatch(word)
    if match is None:
        raise argparse.ArgumentTypeError(f"expected FILE:LINE:COL or FILE:LINE:COL-LINE:COL, not {word!r}")
    return Target(Path(match["file"]), _hole(match.groups()[1:]))


def parse_hole(word: str) -> Hole:
    """Read `LINE:COL` or `LINE:COL-LINE:COL`; for `argparse`."""
    match = re.fullmatch(_HOLE, word)
    if match is None:
        raise argparse.ArgumentTypeError(f"expected LINE:COL or LINE:COL-LINE:COL, not {word!r}")
    return _hole(match.groups())


def check_holes(holes: Sequence[Hole], lines: Sequence[str], path: Path) -> list[Hole]:
    """The holes in the order of the text.

    Raises:
        CommandError: one lies past the end of the text or of its line, or two overlap or have nothing between them.
    """
    for place in (place for hole in holes for place in hole):
        if place.line >= len(lines):
            # What comes after the last line end is a line for editors only where something stands on it.
            shown = max(1, len(lines) - (lines[-1] == ""))
            count = f"{shown} line{'s' * (shown != 1)}"
            raise CommandError(f"{path} has {count}; there is no line {place.line + 1}")
        columns = content_length(lines[place.line])
        if place.column > columns:
            raise CommandError(
                f"line {place.line + 1} of {path} ends at column {columns + 1}; there is no column {place.column + 1}"
            )
    ordered = sorted(holes)
    for (_, end), (start, _) in itertools.pairwise(ordered):
        if start <= end:
            here = f"{start.line + 1}:{start.column + 1}"
            raise CommandError(f"the holes overlap at {here}" if start < end else f"two holes meet at {here}: name one")
    return ordered


def _hole(numbers: Sequence[str | None]) -> Hole:
    try:
        line, column, end_line, end_column = (None if number is None else int(number) - 1 for number in numbers)
    except ValueError as error:
        raise argparse.ArgumentTypeError("a line or column number is too long") from error
    if line is None or column is None or min(line, column) < 0:
        raise argparse.ArgumentTypeError("lines and columns count from 1")
    start = Place(line, column)
    if end_line is None or end_column is None:
        return start, start
    if min(end_line, end_column) < 0:
        raise argparse.ArgumentTypeError("lines and columns count from 1")
    end = Place(end_line, end_column)
    if end < start:
        raise argparse.ArgumentTypeError("a hole ends before it starts")
    return start, end
