"""Texts by their lines: how these end and are indented, and how a text is indented that is written for other ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from math import gcd

# The line endings of editors; others, such as U+2028, end none.
_LINE_ENDING = re.compile("\r\n|\r|\n")
# Far enough to meet a line's end in any text written by hand, and no more work than that in a minified one.
_LINE_ENDING_REACH = 4_096
# In most languages.
_IMPORT = re.compile(r"\s*(import|from|use|using|require|include|#\s*include|const .*=\s*require)\b")
# What a line ends with whose next ones are indented by a step more.
OPENERS = (":", "{", "(", "[")
_WIDTH = 4
# Lines on each side of a place whose margins may be those of a text there.
_NEAR = 40
# Of a text's lines, how many may be indented otherwise than the others.
_MIXED = 0.2


def common_length(items: Iterable[object], others: Iterable[object]) -> int:
    """How many items of two texts or lists of lines are the same, from the first on."""
    count = 0
    for item, other in zip(items, others, strict=False):
        if item != other:
            break
        count += 1
    return count


def common_ends(items: Sequence[object], others: Sequence[object]) -> tuple[int, int]:
    """How many items of two texts or lists of lines are the same from the first on, and of the rest from the last
    back."""
    head = common_length(items, others)
    return head, common_length(reversed(items[head:]), reversed(others[head:]))


def to_line_feeds(text: str) -> str:
    """The text with every line ending written as the model sees it."""
    return _LINE_ENDING.sub("\n", text)


def line_ending_at(text: str, position: int) -> str:
    """The line ending of the line on which `position` (code points) stands; on a last line, the commonest near it."""
    within = text.startswith("\r\n", position - 1)
    after = _LINE_ENDING.search(text, position - within, position + _LINE_ENDING_REACH)
    if after:
        return after[0]
    before = _LINE_ENDING.findall(text, max(position - _LINE_ENDING_REACH, 0), position)
    return max(set(before), key=before.count, default="\n")


def goes_on(after: str) -> bool:
    """Whether there is text after a place on its line, with this text after it."""
    return bool(after.partition("\n")[0].strip())


def is_import(line: str) -> bool:
    """Whether a line imports something."""
    return _IMPORT.match(line) is not None


def margin_of(line: str) -> str:
    """The blanks that a line begins with."""
    return line[: len(line) - len(line.lstrip(" \t"))]


def columns_of(line: str) -> int:
    """The columns of the blanks that a line begins with."""
    return len(margin_of(line).expandtabs(_WIDTH))


def step_of(margin: str) -> str:
    """What a block is indented by where another line has this margin."""
    return "\t" if "\t" in margin else " " * _WIDTH


def moved(text: str, was: str, now: str) -> str:
    """A text whose first line stood on a line with one margin, with its other lines as they stand below a line with
    another; those further out than the first by as much as there is room for."""
    if was == now:
        return text
    first, *others = text.split("\n")
    return "\n".join([first, *(_moved(line, was, now) for line in others)])


def in_style(text: str, around: str) -> str:
    """A text with its lines but the first indented by tabs or by blanks, as nearly all lines around it are."""
    first, *others = text.split("\n")
    if not others:
        return text
    margins = [margin for line in around.split("\n") if line.strip() and (margin := margin_of(line))]
    tabs = sum(margin.startswith("\t") for margin in margins)
    if not margins or _MIXED < tabs / len(margins) < 1 - _MIXED:
        return text
    wanted = tabs > len(margins) / 2
    step = _WIDTH if wanted else gcd(*map(len, margins))
    width = step if step > 1 else _WIDTH  # Comments and continued lines are indented by anything.
    return "\n".join([first, *(_in_style(line, tabs=wanted, width=width) for line in others)])


def near_margins(before: str, after: str) -> list[str]:
    """The margins that a line between two texts may have: the next line's, a step more than those of a line above that
    opens a block, and those of the lines above, the nearest first."""
    above = [line for line in reversed(before.split("\n")[-_NEAR:]) if line.strip()]
    below = [line for line in after.split("\n")[1:_NEAR] if line.strip()]
    margins = [margin_of(line) for line in below[:1]]
    margins += [margin_of(line) + step_of(margin_of(line)) for line in above[:1] if line.rstrip().endswith(OPENERS)]
    return list(dict.fromkeys([*margins, *map(margin_of, above)]))


def _moved(line: str, was: str, now: str) -> str:
    margin = margin_of(line)
    if not line:
        return line
    if margin.startswith(was):
        return now + line[len(was) :]
    further_out = was.removeprefix(margin)
    return now.removesuffix(further_out) + line[len(margin) :]


def _in_style(line: str, *, tabs: bool, width: int) -> str:
    margin = margin_of(line)
    columns = len(margin.expandtabs(width))
    blanks = "\t" * (columns // width) + " " * (columns % width) if tabs else " " * columns
    return blanks + line[len(margin) :]
