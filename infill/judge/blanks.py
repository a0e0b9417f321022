"""A hole's text with the blanks that belong in its place: none at the ends of lines, none more before a line that is
indented already, those of the file before others, and in Python those that the blocks around it ask for.

Lines end in "\\n" here.
"""

from __future__ import annotations

import re

from infill.syntax.parser import misindented
from infill.text.lines import OPENERS, in_style, margin_of, moved, near_margins

# Lines before and after a text that say which blocks it breaks: few, since it is parsed with them for each indentation.
_ABOVE, _BELOW = 24, 8
_MOST_MARGINS = 6


def trimmed(text: str, before: str, after: str, language: str, *, present: str = "") -> str:
    """The text as it belongs between two others. present: what it replaces."""
    *lines, last = text.split("\n")
    text = "\n".join([*map(str.rstrip, lines), last])
    if ends_line(after):
        text = text.rstrip()
    bare = _without_first_blanks(text, before)
    if bare != text and _breaks(bare, before, after, language) <= _breaks(text, before, after, language):
        text = bare
    return _indented(in_style(text, before + present + after), before, after, language)


def ends_line(after: str) -> bool:
    """Whether only blanks are left of the line on which a text ends."""
    return not after.partition("\n")[0].strip()


def spelled(before: str, text: str, after: str) -> str:
    """A text and the characters next to it without the blanks that part no words: of two texts that differ in blanks
    only, the same."""
    return re.sub(r"\s+", " ", re.sub(r"(?<!\w)\s+|\s+(?!\w)", "", before[-1:] + text + after[:1]))


def _without_first_blanks(text: str, before: str) -> str:
    """The text without blanks before it on a line that is indented already, unless that opens a block."""
    above, _, left = before.rpartition("\n")
    blanks = margin_of(text)
    if not left or left.strip() or not blanks:
        return text
    line = above.rstrip().rpartition("\n")[2]
    if line.endswith(OPENERS) and len(margin_of(line)) >= len(left):
        return text
    return moved(text, left + blanks, left).removeprefix(blanks)


def _indented(text: str, before: str, after: str, language: str) -> str:
    """The text with its lines, but not what stands on one that is begun, moved to where they break fewer blocks."""
    left = before.rpartition("\n")[2]
    own, end, rest = text.partition("\n") if left else ("", "", text)
    first = next((line for line in rest.split("\n") if line.strip()), None)
    fewest = 0 if first is None else _breaks(text, before, after, language)
    if first is None or not fewest:
        return text
    for margin in near_margins(before, after)[:_MOST_MARGINS]:
        tried = own + end + moved("\n" + rest, margin_of(first), margin)[1:]
        errors = _breaks(tried, before, after, language)
        if errors < fewest:
            text, fewest = tried, errors
    return text


def _breaks(text: str, before: str, after: str, language: str) -> int:
    """How many of the blocks near a text are indented wrongly with it between two others."""
    return misindented("\n".join(before.split("\n")[-_ABOVE:]) + text + "\n".join(after.split("\n")[:_BELOW]), language)
