"""Texts around holes, and what is taken back from them at the holes' edges, so that no clamped token stands where the
whole text would have a longer one.

A model has hardly ever seen the tokens of `foo.ba` before those of `r`: it knows `foo.bar`. Nor has it seen those of
`print(` before those of a quotation mark, where one token holds both. So the clamp backs off by a token, and the
characters it gave up become a constraint on the hole's edge: they are healed, and never leave the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.token_set import TokenSet
from infill.text.tokens import Passage, TextTokens


def sides(around: Sequence[str], texts: Sequence[str], hole: int) -> tuple[str, str]:
    """The texts before and after one of several holes, with these texts in the others."""
    before = interleaved(around[: hole + 1], texts[:hole])
    return before, interleaved(around[hole + 1 :], texts[hole + 1 :])


def interleaved(around: Sequence[str], texts: Sequence[str]) -> str:
    """Texts in their places between those around them, which are one more."""
    return "".join(part for pair in zip(around, [*texts, ""], strict=True) for part in pair)


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
            return (tokens.spanning(self.head, self.tail) or tokens.starting_with(self.head),)
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
    clamped, edges = list(passages), list[Edges]()
    holes = len(passages) - 1
    for hole in range(holes):
        # Something has to stay between two holes, or they would be one.
        before, after = clamped[hole : hole + 2]
        head = _head(before, tokens) if len(before) > 1 or hole == 0 else ""
        tail = _tail(after, tokens) if len(after) > 1 or hole == holes - 1 else ""
        if head:
            clamped[hole] = before.cut(0, len(before) - 1)
        if tail:
            clamped[hole + 1] = after.cut(1, len(after))
        edges.append(Edges(head=head, tail=tail))
    return clamped, tuple(edges)


def _head(before: Passage, tokens: TextTokens) -> str:
    """The characters of the last token before a hole, where longer ones begin with them; else none."""
    head = _askable(before, len(before) - 1)
    return head if head and tokens.is_beginning(head) else ""


def _tail(after: Passage, tokens: TextTokens) -> str:
    """The characters of the first token after a hole, where longer ones end with them; else none."""
    tail = _askable(after, 0)
    return tail if tail and tokens.is_ending(tail) else ""


def _askable(passage: Passage, token: int) -> str:
    """A token's characters, where it can be asked for by them: it is neither one byte of several, nor a line's end,
    which a hole in a line may not hold. Empty elsewhere, and where there is no such token."""
    if not passage or passage.inside(token) or passage.inside(token + 1):
        return ""
    characters = passage.cut(token, token + 1).text
    return "" if "\n" in characters else characters
