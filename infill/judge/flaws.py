"""What speaks against a text but how likely it is: it breaks the syntax, or, what no parser sees, it makes a word that
nobody knows, gives what stands on its right to another statement, or repeats a line next to it. Such texts rank behind
others; they may be right all the same.

Lines end in "\\n" here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from infill.request import RejectReason
from infill.syntax.brackets import OPENER_OF, loose
from infill.syntax.check import SyntaxCheck
from infill.text.holes import sides
from infill.text.lines import OPENERS, columns_of, is_import
from infill.text.words import is_known, known_words, words_made

# Characters before a hole that tell which bracket it stands in.
_REACH = 2_000
_TEXT_QUOTES = ('"""', "'''", "`")
# How a line ends, beside those that open a block, with a statement or a part of one.
_ENDS = (*OPENERS, ",", ";", "=>", "->")
_WORD = re.compile(r"\w")
# In most languages; a selector or a directive has no blank after its "#".
_COMMENT = re.compile(r"\s*(#+\s|//|/\*|\*\s|--\s|<!--)")


@dataclass(frozen=True, slots=True)
class Flaws:
    """What speaks against holes' texts. syntax_errors: of the statements around the holes with the texts in them.
    misplaced, unknown_words: how many of the texts are misplaced, and how many make an unknown word."""

    syntax_errors: int = 0
    misplaced: int = 0
    unknown_words: int = 0

    def __bool__(self) -> bool:
        return bool(self.syntax_errors or self.misplaced or self.unknown_words)


@dataclass(frozen=True, kw_only=True)
class FlawCheck:
    """Finds the flaws of texts in a window's holes, of each once. around: the texts around the holes, one more than
    there are holes. middles: what stands in them now. language: of the window. others: texts whose words are known."""

    around: Sequence[str]
    middles: Sequence[str]
    language: str
    others: Sequence[str] = ()

    def flaws(self, texts: tuple[str, ...]) -> Flaws:
        """The flaws of the holes' texts, found when they are first asked for: a parse takes about a millisecond."""
        if texts not in self._found:
            self._found[texts] = self._find(texts)
        return self._found[texts]

    @cached_property
    def syntax(self) -> SyntaxCheck:
        """What a parser says of the statements around the holes."""
        return SyntaxCheck.of(self.around, self.middles, self.language)

    @cached_property
    def _found(self) -> dict[tuple[str, ...], Flaws]:
        return {}

    @cached_property
    def _known(self) -> frozenset[str]:
        return known_words(self.around, self.language, others=self.others)

    def _find(self, texts: tuple[str, ...]) -> Flaws:
        misplaced = unknown = 0
        for hole, text in enumerate(texts):
            before, after = sides(self.around, texts, hole)
            misplaced += (
                reopens_pair(text, after)
                or gives_right_side_away(before, text, after)
                or objection(text, before, after) == "repeats_code"
            )
            unknown += any(not is_known(word, self._known) for word in words_made(before, text, after))
        return Flaws(self.syntax.errors(texts), misplaced, unknown)


def reopens_pair(text: str, after: str) -> bool:
    """Whether a text closes the pair of brackets that it stands in, and opens another, which ends behind it."""
    closers, openers = loose(text)
    return bool(closers and openers) and after.lstrip()[:1] in OPENER_OF


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
    only_closes = right.startswith((*OPENER_OF, "</"))
    return not (in_text or in_brackets or only_closes or left.endswith(_ENDS))


def objection(text: str, before: str, after: str) -> RejectReason | None:
    """Why a text must not be shown unasked between two others, or None."""
    if not text.strip():
        return "empty"
    if "\n" in text and after.partition("\n")[0].strip():
        return "crosses_lines"
    return "repeats_code" if _repeats_code(text, before, after) else None


def _repeats_code(text: str, before: str, after: str) -> bool:
    """Whether the whole lines that a text makes with the rest of its first and its last line are those next to them
    again, import what another line imports already, or begin a blank line with a comment that another has, too."""
    head, _, left = before.rpartition("\n")
    right, _, tail = after.partition("\n")
    lines, above, below = _not_blank(left + text + right), _not_blank(head), _not_blank(tail)
    begins_below = bool(left.strip()) and not text.partition("\n")[0].strip()
    if begins_below:
        lines, above = lines[1:], [*above, left]
    on_blank_line = (begins_below or not left.strip()) and not right.strip()
    unique = [line for line in lines if is_import(line)]
    unique += [line for line in lines[:1] if on_blank_line and _COMMENT.match(line)]
    if any(line.strip() == other.strip() for line in unique for other in (*above, *below)):
        return True
    # One line, or all of them. What is indented less than the same line above it closes a block as that did.
    return any(
        (_same(lines[:n], above[-n:]) and columns_of(lines[0]) >= columns_of(above[-n]))
        or (_same(lines[-n:], below[:n]) and columns_of(lines[-1]) <= columns_of(below[n - 1]))
        for n in (1, len(lines))
    )


def _not_blank(text: str) -> list[str]:
    return [line for line in text.split("\n") if line.strip()]


def _same(lines: Sequence[str], others: Sequence[str]) -> bool:
    """Whether lines are the same but for their margins, and more than brackets."""
    stripped = [line.strip() for line in lines]
    return any(map(_WORD.search, stripped)) and stripped == [line.strip() for line in others]
