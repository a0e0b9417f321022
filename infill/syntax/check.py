"""The statements around holes, as a parser sees them: how much a text breaks of them, and what no text could mend.

A window cuts statements in two at its ends, and one error there hides or feigns others: only what is whole is parsed.
Lines end in "\\n" here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Self

from infill.syntax.brackets import lacking, last_opened, unmatched
from infill.syntax.joints import bracketed, over_lines
from infill.syntax.parser import comment_start, error_count, has_grammar
from infill.text.holes import interleaved
from infill.text.languages import facts_of
from infill.text.lines import goes_on, margin_of
from infill.text.words import start_of_word

# What a hole might hold in a language with braces.
_BRACED_STAND_INS = ("x", "x;", "x) {", "x(", "x)", "x,", "if (x) {", "try {", "{", "}", "x = {")
# The right side of a line in brackets or quotes that an editor has closed.
_CLOSED = re.compile(r"[)\]}\"'`>]+\s*")
# Of comments that a line's end ends; others leave an error where they are not closed.
_COMMENT_MARKS = ("#", "//")
# How a line begins that goes on with what stands before it, or may belong to a text of several lines.
_NO_BEGINNINGS = (")", "]", "}", "#", "/", "*", '"', "'", "`")


@dataclass(frozen=True, slots=True)
class SyntaxCheck:
    """Statements with holes in them. around: the texts around these, one more than there are holes. middles: what
    stands in them now. language: the name of its fence, empty where no grammar fits. unfinished: what may still be
    typed below the last hole's line, each in its own way; no text has to."""

    around: tuple[str, ...]
    middles: tuple[str, ...]
    language: str
    unfinished: tuple[str, ...] = ()

    @classmethod
    def of(cls, around: Sequence[str], middles: Sequence[str], language: str) -> Self:
        """The part of a window that parses as a whole, found with a few parses, or with one where all of it does."""
        if facts_of(language).nested and unmatched("".join(around)):
            language = ""  # What a window cuts in two can only be told by its brackets.
        before, after = _outside(around)
        texts = [middle or "x" for middle in middles]
        own_line = interleaved(around, texts)
        own_line = own_line[len(before) : len(own_line) - len(after)]
        # Statements may begin at the first line or the last that stands as far out as any, and end before the last one.
        outermost = _outermost(before)
        starts = dict.fromkeys([0, *outermost[:1], *outermost[-1:]])
        ends = [len(after), *_outermost(after)[-1:]]
        begin, cut, fewest = 0, 0, None
        for start, end in product(starts, ends):
            pieces = (before[start:] + line + after[:end] for line in ("", own_line))
            errors = _fewest(pieces, language)
            if fewest is None or errors < fewest:
                fewest, begin, cut = errors, start, len(after) - end
            if not errors:
                break
        *others, last = (around[0][begin:], *around[1:])
        whole = (*others, last[: len(last) - cut])
        whole = _ended(whole, texts, language)
        return cls(whole, tuple(middles), language, _unfinished(whole, language))

    def errors(self, texts: Sequence[str]) -> int:
        """Places where the statements depart from the grammar with these texts in the holes, or where one of the texts
        makes a comment of what follows it."""
        text = interleaved(self.around, texts)
        *others, last = self.around
        right, _, below = last.partition("\n")
        ends = (*self.unfinished, *_left_open(texts[-1], right, self.language))
        finished = (interleaved((*others, f"{right}\n{end}\n{below}"), texts) for end in ends)
        return _fewest((text, *finished), self.language) + self._swallowed(text, texts)

    def unavoidable_errors(self) -> int:
        """The errors that a text in the holes cannot well be blamed for: those of the text that it replaces; in empty
        holes the fewest that are left by nothing, by leaving the holes' lines out, or by one of the ordinary pieces of
        code that might stand there, in the place of the word that a hole completes, or of its line. Where only brackets
        are known, whether more of them may follow is not."""
        fewest = self.errors(self.middles)  # None in most texts, as they stand.
        if not fewest or any(self.middles) or not has_grammar(self.language):
            return fewest
        return min(fewest, _fewest(self._with_stand_ins(), self.language))

    def _with_stand_ins(self) -> Iterator[str]:
        """The statements without the holes' lines, and with each stand-in in the holes or in place of a single one's
        line."""
        own = facts_of(self.language)
        stand_ins = own.stand_ins or (*_BRACED_STAND_INS, *own.headers)
        above, below = _outside(self.around)
        yield above + below
        whole = [*(text[: start_of_word(text)] for text in self.around[:-1]), self.around[-1]]
        for piece in stand_ins:
            yield interleaved(whole, [piece] * len(self.middles))
        if len(self.middles) > 1:
            return
        before, after = self.around
        for piece in bracketed(before, after, self.language):
            yield before + piece + after
        margin = margin_of(before[len(above) :])
        for piece in (*stand_ins, *bracketed(above, below, self.language)):
            yield f"{above}{margin}{piece}\n{below}"
        if goes_on(after):
            for piece in over_lines(before, after, self.language):
                yield before + piece + after

    def _swallowed(self, text: str, texts: Sequence[str]) -> int:
        """How many of the texts begin a comment that goes on behind them. text: with these in the holes."""
        count = end = 0
        for before, own, after in zip(self.around, texts, self.around[1:], strict=False):
            start = end + len(before)
            end = start + len(own)
            if any(mark in own for mark in _COMMENT_MARKS) and goes_on(after):
                begin = comment_start(text, end, self.language)
                count += begin is not None and start <= begin < end
        return count


def _fewest(texts: Iterable[str], language: str) -> int:
    """The fewest errors that any of some texts has; the others are not looked at once one is whole."""
    fewest: int | None = None
    for text in texts:
        errors = error_count(text, language)
        fewest = errors if fewest is None else min(fewest, errors)
        if not fewest:
            break
    return fewest or 0


def _ended(around: tuple[str, ...], texts: Sequence[str], language: str) -> tuple[str, ...]:
    """The texts around holes, and behind brackets that an editor has closed on the last hole's line the header's end
    that is still to be typed, where that is all that is missing with these texts in the holes."""
    *others, last = around
    right, end, below = last.partition("\n")
    if not has_grammar(language) or not _CLOSED.fullmatch(right):
        return around
    ends = ("", *facts_of(language).header_ends)
    ended = ((*others, right.rstrip() + ending + end + below) for ending in ends)
    return next((whole for whole in ended if not error_count(interleaved(whole, texts), language)), around)


def _unfinished(around: Sequence[str], language: str) -> tuple[str, ...]:
    """What may still be typed below the last hole's line, where that stands further in than the line below it and than
    the one above it that opened a bracket: what closes the blocks and brackets that nothing closes."""
    above, below = _outside(around)
    nothing = [""] * (len(around) - 1)
    margin = margin_of(interleaved(around, nothing)[len(above) :])
    next_line = next((line for line in below.split("\n") if line.strip()), "")
    if not has_grammar(language) or len(margin_of(next_line)) >= len(margin):
        return ()
    if block_ends := facts_of(language).block_ends:
        return block_ends if error_count(interleaved(around, nothing), language) else ()
    opened = last_opened(above)
    deeper = opened is not None and len(margin_of(above[above.rfind("\n", 0, opened) + 1 :])) < len(margin)
    closers = lacking(above, around[-1])[0] if deeper else ""
    return (closers,) if closers else ()


def _left_open(text: str, right: str, language: str) -> tuple[str, ...]:
    """What may still be typed below a header with which a text ends: what closes its brackets."""
    header = text.rstrip().endswith("{") and not right.strip() and "\n" not in text
    return (lacking(text, "")[0],) if header and facts_of(language).headers else ()


def _outside(around: Sequence[str]) -> tuple[str, str]:
    """The text before the first hole's line and the text after the last one's."""
    return around[0][: around[0].rfind("\n") + 1], around[-1].partition("\n")[2]


def _outermost(text: str) -> list[int]:
    """The offsets of the lines, in order, that stand as far out as any and may begin a statement."""
    lines, offset = list[tuple[int, int]](), 0
    for line in text.split("\n"):
        bare = line.lstrip()
        if bare and not bare.startswith(_NO_BEGINNINGS):
            lines.append((len(line) - len(bare), offset))
        offset += len(line) + 1
    margin = min((depth for depth, _ in lines), default=0)
    return [offset for depth, offset in lines if depth == margin]
