"""Rules for a suggestion that nobody asked for: what it must not be, however likely it is, and what is as good as sure.

Pure functions of a single hole's text and the text around it; lines end in "\\n" here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from infill.request import RejectReason
from infill.syntax.brackets import closing
from infill.text.languages import common_words
from infill.text.lines import OPENERS, columns_of
from infill.text.words import identifier_completions, start_of_word

# The beginning of an identifier after which the only one that begins so is right in nine of ten places.
_BEGUN = re.compile(r"[^\W\d]\w{2,}\Z")
_WORD = re.compile(r"\w")
_WORD_ENDS = re.compile(r"\w+")
_IMPORT = re.compile(r"\s*(import|from|use|using|require|#\s*include)\b")
# In most languages; a selector or a directive has no blank after its "#".
_COMMENT = re.compile(r"\s*(#+\s|//|/\*|\*\s|--\s|<!--)")
# How a line ends, beside those that open a block, that goes on below it.
_GOES_ON = ("=>", "->", ",", "\\", "=", "&&", "||", "|", " +", " -", " *", " and", " or", " not", " in")


def objection(text: str, before: str, after: str) -> RejectReason | None:
    """Return why a text must not be shown unasked between `before` and `after`, or None."""
    if not text.strip():
        return "empty"
    if "\n" in text and after.partition("\n")[0].strip():
        return "crosses_lines"
    made = _ResultLines.of(text, before, after)
    return "repeats_code" if made.repeats_neighbour or made.repeats_import or made.repeats_comment else None


def leaves_open(line: str, rest: str) -> bool:
    """Return whether a line is only the beginning of something without the lines after it (`rest`): it ends as lines do
    that go on below, leaves a bracket, string or comment open, or the next one is indented more."""
    following = next((other for other in rest.split("\n") if other.strip()), "")
    return (
        columns_of(following) > columns_of(line)
        or line.rstrip().endswith((*OPENERS, *_GOES_ON))
        or line.rfind("/*") > line.rfind("*/")
        or bool(closing(line))
    )


def ends_only_identifier(text: str, before: str, after: str, language: str) -> bool:
    """Return whether a text is the rest of a word that has been begun: what has been typed is no word yet, and only one
    of the identifiers elsewhere begins so."""
    begun = _BEGUN.search(before, start_of_word(before)) if _WORD_ENDS.fullmatch(text) else None
    if begun is None or begun[0] in common_words(language):
        return False
    is_word = re.compile(rf"\b{begun[0]}\b")
    if is_word.search(before[: begun.start()]) or is_word.search(after):
        return False
    return identifier_completions(before, after, count=2) == [text]


@dataclass(frozen=True, slots=True, kw_only=True)
class _ResultLines:
    """The whole lines that a text makes with the rest of its first and its last line, and the lines around them, blank
    ones left out. own: whether nothing else stands on them."""

    lines: list[str]
    above: list[str]
    below: list[str]
    own: bool

    @classmethod
    def of(cls, text: str, before: str, after: str) -> Self:
        head, _, left = before.rpartition("\n")
        right, _, tail = after.partition("\n")
        lines, above = _inked(left + text + right), _inked(head)
        below_left = bool(left.strip()) and not text.partition("\n")[0].strip()
        if below_left:
            lines, above = lines[1:], [*above, left]
        own = (below_left or not left.strip()) and not right.strip()
        return cls(lines=lines, above=above, below=_inked(tail), own=own)

    @property
    def repeats_neighbour(self) -> bool:
        """Whether the first line is the one above it again, the last the one below it, or all of them stand next to
        them in the same order. What is indented less than the same line above it closes a block as that did."""
        return any(
            (_same(self.lines[:n], self.above[-n:]) and columns_of(self.lines[0]) >= columns_of(self.above[-n]))
            or (_same(self.lines[-n:], self.below[:n]) and columns_of(self.lines[-1]) <= columns_of(self.below[n - 1]))
            for n in (1, len(self.lines))
        )

    @property
    def repeats_import(self) -> bool:
        """Whether a line imports what another one imports already."""
        return any(_IMPORT.match(line) and self._stands(line) for line in self.lines)

    @property
    def repeats_comment(self) -> bool:
        """Whether a blank line begins with a comment that another line has, too."""
        return self.own and bool(_COMMENT.match(self.lines[0])) and self._stands(self.lines[0])

    def _stands(self, line: str) -> bool:
        return any(other.strip() == line.strip() for other in (*self.above, *self.below))


def _inked(text: str) -> list[str]:
    return [line for line in text.split("\n") if line.strip()]


def _same(lines: Sequence[str], others: Sequence[str]) -> bool:
    """Return whether lines are the same but for their margins, and more than brackets."""
    stripped = [line.strip() for line in lines]
    return any(map(_WORD.search, stripped)) and stripped == [line.strip() for line in others]
