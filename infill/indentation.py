"""How lines are indented."""

from __future__ import annotations

# What a line ends with whose next ones are indented by a step more.
OPENERS = (":", "{", "(", "[")


def margin_of(line: str) -> str:
    """The blanks that a line begins with."""
    return line[: len(line) - len(line.lstrip(" \t"))]


def step_of(margin: str) -> str:
    """What a block is indented by where another line has this margin."""
    return "\t" if "\t" in margin else "    "
