"""Unfinished candidates for live display."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from engine.canvas import Floats, TokenIds
from infill.prompt.layout import Layout
from infill.request import Draft


class Reading(Protocol):
    """A hole's tokens as they stand, each with the entropy of its distribution in nats."""

    @property
    def argmax_ids(self) -> TokenIds: ...

    @property
    def entropy(self) -> Floats: ...


def draft_of(holes: Sequence[Reading], layout: Layout) -> Draft:
    """The holes' text pieces and entropies, without the known characters at the holes' edges."""
    pieces: list[tuple[tuple[str, float], ...]] = []
    for hole, edges in zip(holes, layout.edges, strict=True):
        texts = list(layout.tokens.decode_pieces(hole.argmax_ids.tolist()))
        texts[:1] = [text.removeprefix(edges.head) for text in texts[:1]]
        texts[-1:] = [text.removesuffix(edges.tail) for text in texts[-1:]]
        pieces.append(tuple(zip(texts, hole.entropy.tolist(), strict=True)))
    return Draft(pieces=tuple(pieces))
