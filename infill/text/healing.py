"""Healing: what is taken back from the clamped text at a hole's edges, so that no clamped token stands where the whole
text would have a longer one.

A model has hardly ever seen the tokens of `foo.ba` before those of `r`: it knows `foo.bar`. Nor has it seen those of
`print(` before those of a quotation mark, where one token holds both. So the clamp backs off by a token, and the
characters it gave up become a constraint on the hole's edge. They never leave the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.token_set import TokenSet
from infill.text.passage import Passage
from infill.text.tokens import TextTokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """The known characters with which a hole's free tokens begin (`head`) and end (`tail`); mostly empty."""

    head: str = ""
    tail: str = ""

    def allowed(self, tokens: TextTokens, length: int) -> tuple[TokenSet | None, ...]:
        """Per free position of a hole of `length` tokens: the ids that may stand there, or None for any."""
        ids: list[TokenSet | None] = [None] * length
        if length == 1 and self.head and self.tail:
            # No single token may span both edges; holding to the first is then better than holding to neither.
            both = tokens.spanning(self.head, self.tail)
            return (both if len(both) else tokens.starting_with(self.head),)
        if self.head:
            ids[0] = tokens.starting_with(self.head)
        if self.tail:
            ids[-1] = tokens.ending_with(self.tail)
        return tuple(ids)

    def wrap(self, text: str) -> str:
        """A hole's text as its free tokens spell it."""
        return self.head + text + self.tail

    def unwrap(self, text: str) -> str:
        """A hole's text without the known characters."""
        return text.removeprefix(self.head).removesuffix(self.tail)


def heal(passages: Sequence[Passage], tokens: TextTokens) -> tuple[list[Passage], tuple[Edges, ...]]:
    """Take back from the texts around the holes, in order (one more than there are holes), what must not stay clamped:
    what is left of them, and the holes' edges."""
    last = len(passages) - 1
    clamped: list[Passage] = []
    heads: list[str] = []
    tails: list[str] = []
    for i, passage in enumerate(passages):
        # Something has to stay between two holes, or they would be one.
        least = 1 if 0 < i < last else 0
        if i > 0:
            tail, passage = _take_first(passage, tokens) if len(passage) > least else ("", passage)
            tails.append(tail)
        if i < last:
            passage, head = _take_last(passage, tokens) if len(passage) > least else (passage, "")
            heads.append(head)
        clamped.append(passage)
    return clamped, tuple(Edges(head=head, tail=tail) for head, tail in zip(heads, tails, strict=True))


def _take_last(passage: Passage, tokens: TextTokens) -> tuple[Passage, str]:
    """Without the last token, and its characters, where longer ones begin with them."""
    cut = len(passage) - 1
    if passage and _is_askable(passage, cut):
        head = passage.cut(cut, len(passage)).text
        if tokens.is_beginning(head):
            return passage.cut(0, cut), head
    return passage, ""


def _take_first(passage: Passage, tokens: TextTokens) -> tuple[str, Passage]:
    """The first token's characters, and the rest, where longer ones end with them."""
    if passage and _is_askable(passage, 0):
        tail = passage.cut(0, 1).text
        if tokens.is_ending(tail):
            return tail, passage.cut(1, len(passage))
    return "", passage


def _is_askable(passage: Passage, token: int) -> bool:
    """Whether a token can be asked for by its characters: not one byte of several, nor a line's end, which a hole in
    a line may not hold."""
    whole = not passage.inside(token) and not passage.inside(token + 1)
    return whole and "\n" not in passage.text[passage.offset(token) : passage.offset(token + 1)]
