"""Texts in place of others: a string wherever it stands, and tokens between the same tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from infill.edit.change import ENOUGH, FollowUp, Rule, Substitution, tokens
from infill.edit.names import Names
from infill.request import Span
from infill.text.lines import common_length

_MOST_TOKENS = 12
"""On either side that are compared."""
_LEAST_TOKENS = 3
"""On both sides, with those that are replaced, that have to be alike, one of them a word: fewer stand anywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StringReplacement(Rule):
    """A string that is another one now, wherever it stands and whatever its quotes. old, new: what is between them."""

    old: str
    new: str

    @classmethod
    def of(cls, made: Substitution, alike: Sequence[Substitution]) -> Self | None:
        if not made.replaces_string or made.is_interpolated:
            return None
        return cls(old=made.old[1:-1], new=made.new[1:-1])

    def follow_ups(self, names: Names) -> Iterator[FollowUp]:
        for match in re.finditer(rf"([\"'`]){re.escape(self.old)}\1", names.text):
            if names.string_at(Span(start=match.start(), end=match.end())):
                yield FollowUp(span=Span(start=match.start() + 1, end=match.end() - 1), text=self.new)


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatedEdit(Rule):
    """Tokens that were replaced several times alike, between the same ones. before, after: what stands there."""

    before: str
    old: str
    new: str
    after: str

    @classmethod
    def of(cls, made: Substitution, alike: Sequence[Substitution]) -> Self | None:
        if len(alike) < ENOUGH or made.is_interpolated:
            return None
        before = _common([_tokens_before(each) for each in alike])[::-1]
        after = _common([_tokens_after(each) for each in alike])
        known = [piece for piece in (*before, *tokens(made.old), *after) if piece.strip()]
        if len(known) < _LEAST_TOKENS or not any(re.match(r"[^\W\d]", piece) for piece in known):
            return None
        return cls(before="".join(before).lstrip(), old=made.old, new=made.new, after="".join(after).rstrip())

    def follow_ups(self, names: Names) -> Iterator[FollowUp]:
        pattern = rf"(?<!\w){re.escape(self.before)}({re.escape(self.old)}){re.escape(self.after)}(?!\w)"
        for match in re.finditer(pattern, names.text):
            span = Span(start=match.start(1), end=match.end(1))
            if self.old or not names.text.endswith(self.new, 0, span.start):
                yield FollowUp(span=span, text=self.new)


def _common(sides: Sequence[Sequence[str]]) -> Sequence[str]:
    """The tokens that all of these begin with."""
    return sides[0][: min(common_length(sides[0], side) for side in sides)]


def _tokens_before(made: Substitution) -> list[str]:
    """The tokens of the line before a substitution, the last one first."""
    text = made.names.text
    line = text[text.rfind("\n", 0, made.start) + 1 : made.start]
    return tokens(line)[::-1][:_MOST_TOKENS]


def _tokens_after(made: Substitution) -> list[str]:
    """The tokens of the line after a substitution."""
    line = made.names.text[made.start + len(made.new) :].partition("\n")[0]
    return tokens(line.rstrip("\r"))[:_MOST_TOKENS]
