"""Where a text may be cut in two between its lines, and what that cuts apart."""

from __future__ import annotations

from infill.request import Span
from infill.syntax.parser import spanning_nodes
from infill.text.lines import lines_of


def cuts(text: str, within: Span, language: str) -> dict[int, int]:
    """The places within a span at which a line's text begins, in order, but for its first, each with the number of
    syntax nodes that begin before it and end behind it. Without a grammar, 0 for the first line of a paragraph and 1
    for others."""
    places: list[int] = []
    paragraphs: list[bool] = []
    after_blank, place = False, within.start
    for line in lines_of(text[within.start : within.end]):
        if line.strip() and place > within.start:
            places.append(place + len(line) - len(line.lstrip()))
            paragraphs.append(after_blank)
        after_blank = not line.strip()
        place += len(line)
    nodes = spanning_nodes(text, places, language)
    return dict(zip(places, [int(not own) for own in paragraphs] if nodes is None else nodes, strict=True))
