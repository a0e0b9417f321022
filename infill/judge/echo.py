"""Echo: the end of a filled text that repeats the beginning of the text after the hole.

A hole longer than what belongs in it is filled up with a copy of what follows. The copy is cut off, unless it only
looks like one: brackets and quotes that close what the filled text itself opened stay. Lines end in "\\n" here.
"""

from __future__ import annotations

from infill.syntax.brackets import LINE_QUOTES, OPENER, unmatched
from infill.text.lines import common_length

# Characters of a repetition that is telling; a shorter one is chance, unless it is punctuation only.
_TELLING = 3
# Characters on either side of the hole among which brackets and quotes are matched.
_REACH = 2_000


def drop_echo(text: str, before: str, after: str) -> str:
    """The text without what repeats `after`: by whole lines first, then by characters. before: the text on the other
    side, which tells which brackets are spare."""
    return _drop_repeated_end(_drop_repeated_lines(text, before, after), before, after)


def _drop_repeated_lines(text: str, before: str, after: str) -> str:
    """Cut before the first line from which on the text runs through the lines after the hole: as far as it goes, or
    for two lines whatever it goes on with."""
    own_line = not before.rpartition("\n")[2].strip()
    rest, _, below = after.partition("\n")
    joined = bool(own_line and rest.strip())  # The text's last line would run into the next one.
    following = _lines(after if joined else below)
    lines = text.split("\n")
    for i in range(0 if own_line else 1, len(lines)):
        if lines[i].strip() and _runs_through(_lines("\n".join(lines[i:])), following):
            return "\n".join(lines[:i]) + ("\n" if joined and i else "")
    return text


def _runs_through(mine: list[str], following: list[str]) -> bool:
    """Whether the lines are those that follow: all of them (the last perhaps cut short), or at least two."""
    same = common_length(mine, following)
    last_cut_short = same == len(mine) - 1 and any(line.startswith(mine[-1]) for line in following[same : same + 1])
    telling = any(len(line) >= _TELLING and any(map(_is_word, line)) for line in following[:same])
    return telling and (same >= 2 or same == len(mine) or last_cut_short)


def _drop_repeated_end(text: str, before: str, after: str) -> str:
    """Cut the longest end of the text with which `after` begins."""
    size = _overlap(text, after)
    if not size and not text.endswith("\n"):  # Blanks may fill up a line after the copy.
        size = _overlap(text.rstrip(), after)
        text = text.rstrip() if size else text
    shorter, echo = text[: len(text) - size], after[:size]
    if not echo or echo.isspace():
        return shorter
    if _is_word(shorter[-1:]) and _is_word(echo[0]):
        return text
    telling = len(echo.strip()) >= _TELLING or not any(map(_is_word, echo))
    if not any(c in LINE_QUOTES or c in OPENER or c in OPENER.values() for c in echo):
        return shorter if telling else text
    spare = _imbalance(before, text, after) - _imbalance(before, shorter, after)
    return shorter if spare > 0 or (telling and spare == 0) else text


def _overlap(text: str, after: str) -> int:
    """Length of the longest end of the text with which `after` begins."""
    return next((n for n in range(min(len(text), len(after)), 0, -1) if text.endswith(after[:n])), 0)


def _imbalance(before: str, text: str, after: str) -> int:
    """Brackets and quotes without a partner in and near a text."""
    return unmatched(before[-_REACH:] + text + after[:_REACH])


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"
