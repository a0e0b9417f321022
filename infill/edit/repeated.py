"""Edits that were made several times alike: the same tokens in place of the same, between the same tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infill.edit.names import Names
from infill.edit.pattern import FollowUp, Pattern
from infill.edit.substitution import Substitution, tokens
from infill.request import Span

MOST_TOKENS = 12
"""On either side that are compared."""
LEAST_TOKENS = 3
"""On both sides, with those that are replaced, that have to be alike, one of them a word: fewer stand anywhere."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A substitution as it was made in a text. start: of the new tokens, in code points."""

    made: Substitution
    start: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatedEdit(Pattern):
    """Tokens in place of others where these stand between the same ones. before, after: what stands there."""

    before: str
    old: str
    new: str
    after: str

    def follow_ups(self, text: str, names: Names) -> Iterator[FollowUp]:
        pattern = rf"(?<!\w){re.escape(self.before)}({re.escape(self.old)}){re.escape(self.after)}(?!\w)"
        for match in re.finditer(pattern, text):
            span = Span(start=match.start(1), end=match.end(1))
            if self.old or not text.endswith(self.new, 0, span.start):
                yield FollowUp(span=span, text=self.new)


def repeated_edit(occurrences: Sequence[Occurrence]) -> RepeatedEdit | None:
    """The edit that these are, or None where too little around them is alike."""
    made = occurrences[0].made
    befores = [tokens(_line_before(each.text, each.start))[::-1] for each in occurrences]
    afters = [tokens(_line_after(each.text, each.start + len(made.new))) for each in occurrences]
    before = _common(befores)[::-1]
    after = _common(afters)
    known = [piece for piece in (*before, *tokens(made.old), *after) if piece.strip()]
    if len(known) < LEAST_TOKENS or not any(re.match(r"[^\W\d]", piece) for piece in known):
        return None
    return RepeatedEdit(before="".join(before).lstrip(), old=made.old, new=made.new, after="".join(after).rstrip())


def _common(sides: Sequence[Sequence[str]]) -> list[str]:
    """The tokens that all of these begin with."""
    found: list[str] = []
    for pieces in zip(*sides, strict=False):
        if len(set(pieces)) > 1 or len(found) == MOST_TOKENS:
            break
        found.append(pieces[0])
    return found


def _line_before(text: str, offset: int) -> str:
    return text[text.rfind("\n", 0, offset) + 1 : offset]


def _line_after(text: str, offset: int) -> str:
    return text[offset:].partition("\n")[0].rstrip("\r")
