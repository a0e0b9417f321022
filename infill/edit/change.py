"""Substitutions of tokens, read off a change, and the protocol of rules that find where they have to be repeated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import accumulate, islice
from typing import Protocol, Self

from infill.edit.names import Names
from infill.request import Span
from infill.text.lines import common_length

# A string on one line, a word or number, blanks, or any other character.
_TOKEN = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\\n]|\\.)*`|\w+|\s+|.", re.DOTALL)
_STRING = re.compile(r"([\"'`]).*\1", re.DOTALL)
_ACCESSES = (".", "::", "->", "?.")
MOST_TOKENS = 600
"""Tokens of two texts together that are compared, which takes the square of their number: a longer change is new code,
from which nothing follows elsewhere, and a longer line is data."""

ENOUGH = 2
"""Times that something is changed alike before other places are to follow, where one change does not define a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Substitution:
    """Tokens in place of others. start: of `new`, in code points. names: of the text in which it was made."""

    old: str
    new: str
    start: int
    names: Names

    @property
    def replaces_string(self) -> bool:
        """Whether one string became another."""
        return bool(_STRING.fullmatch(self.old) and _STRING.fullmatch(self.new))

    @property
    def is_interpolated(self) -> bool:
        """Whether two strings differ between braces: a name that a string holds is known in a scope, as others are."""
        kept = self.old[: common_length(self.old, self.new)]
        return self.replaces_string and kept.count("{") > kept.count("}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """A text to put into a place that does not follow a change yet."""

    span: Span
    text: str


class Rule(Protocol):
    """What a change has set, and other places are to follow."""

    @classmethod
    def of(cls, made: Substitution, alike: Sequence[Substitution]) -> Self | None:
        """What a substitution has set; None where it sets nothing of this kind. alike: all that put the same in place
        of the same, this one among them."""
        ...

    @property
    def is_local(self) -> bool:
        """Whether it is followed within the text that it was made in only."""
        return False

    def follow_ups(self, names: Names) -> Iterator[FollowUp]:
        """The places of a text that do not follow it, in order."""
        ...


def substitutions(before: str, span: Span, names: Names) -> list[Substitution]:
    """The substitutions by which what stands in a span came about from what stood there before, in order; none where
    one of them is empty or they are too long for something to follow."""
    old, new = (tokens(text, most=MOST_TOKENS) for text in (before, names.text[span.start : span.end]))
    if not old or not new or len(old) + len(new) > MOST_TOKENS:
        return []
    starts = list(accumulate(map(len, new), initial=span.start))
    found: list[tuple[int, int, int, int]] = []
    for tag, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        if found and "".join(old[found[-1][1] : i]) in _ACCESSES:
            i, _, k, _ = found.pop()  # A name and its member that are both other ones are one substitution.
        found.append((i, j, k, m))
    return [
        Substitution(old="".join(old[i:j]), new="".join(new[k:m]), start=starts[k], names=names) for i, j, k, m in found
    ]


def tokens(text: str, *, most: int | None = None) -> list[str]:
    """A text as strings, words, blanks and single characters, which together are the text. most: of a longer one, only
    so many."""
    return [match[0] for match in islice(_TOKEN.finditer(text), most)]
