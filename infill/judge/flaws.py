"""What speaks against a text that no parser sees: it makes a word that nobody knows, gives what stands on its right to
another statement, or repeats a line next to it. Such texts rank behind others; they may be right all the same.

Lines end in "\\n" here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from infill.judge.unasked import objection
from infill.syntax.brackets import OPENER, loose
from infill.text.indentation import OPENERS
from infill.text.passage import interleaved
from infill.text.words import makes_unknown_word

# Characters before a hole that tell which bracket it stands in.
_REACH = 2_000
_TEXT_QUOTES = ('"""', "'''", "`")
# How a line ends, beside those that open a block, with a statement or a part of one.
_ENDS = (*OPENERS, ",", ";", "=>", "->")


@dataclass(frozen=True, slots=True)
class Flaws:
    """How many of a candidate's texts are misplaced, and how many make an unknown word."""

    misplaced: int = 0
    unknown_words: int = 0

    def __bool__(self) -> bool:
        return bool(self.misplaced or self.unknown_words)


NO_FLAWS = Flaws()


def flaws_of(around: Sequence[str], texts: Sequence[str], known: frozenset[str]) -> Flaws:
    """The flaws of holes' texts. around: the texts around the holes, one more than there are holes. known: words; see
    `infill.text.words`."""
    misplaced = unknown = 0
    for hole, text in enumerate(texts):
        before = interleaved(around[: hole + 1], texts[:hole])
        after = interleaved(around[hole + 1 :], texts[hole + 1 :])
        misplaced += (
            reopens_pair(text, after)
            or gives_right_side_away(before, text, after)
            or objection(text, before, after) == "repeats_code"
        )
        unknown += makes_unknown_word(before, text, after, known)
    return Flaws(misplaced, unknown)


def reopens_pair(text: str, after: str) -> bool:
    """Whether a text closes the pair of brackets that it stands in, and opens another, which ends behind it."""
    closers, openers = loose(text)
    return bool(closers and openers) and after.lstrip()[:1] in OPENER


def gives_right_side_away(before: str, text: str, after: str) -> bool:
    """Whether a text of several lines leaves what stands on its right, which was part of what stands on its left, to
    another statement."""
    left, right = before.rpartition("\n")[2].strip(), after.partition("\n")[0].strip()
    if "\n" not in text or not right or not left:
        return False
    closers, _ = loose(text)
    if closers:
        return True
    in_text = any(before.count(quote) % 2 for quote in _TEXT_QUOTES)
    _, opened = loose(before[-_REACH:])
    in_brackets = opened[-1:] in ("(", "[")
    only_closes = right.startswith((*OPENER, "</"))
    return not (in_text or in_brackets or only_closes or left.endswith(_ENDS))
