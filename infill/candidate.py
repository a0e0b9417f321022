"""Trimming: a decoded text cut to what belongs in its hole.

A text is only ever shortened from its end; the text around the hole is never touched.
"""

from __future__ import annotations

from dataclasses import dataclass

from infill.mode import HoleMode
from infill.overlap import drop_echo
from infill.prompt import Fence
from infill.request import Rejection
from infill.scope import cut_to_scope
from infill.trim import trimmed


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a text is to stand. present: what stands there now; before, after: the text around it; "\\n" everywhere.
    mode: how far the text goes; None where that is known to be all of it, as of a copy."""

    before: str
    present: str
    after: str
    mode: HoleMode | None
    fence: Fence


def finish(raw: str, place: Place) -> str | Rejection:
    """What of a hole's raw text is worth offering."""
    text = _before_line(raw, place.fence.marks)
    if place.mode in ("within", "line"):
        text = text.partition("\n")[0]
    elif place.mode == "block" and not place.present:
        text = cut_to_scope(text, place.before, place.after, place.fence.language)
    written = text.strip()
    text = drop_echo(text, place.before, place.after)
    text = trimmed(text, place.before, place.after, place.fence.language)
    if not text.strip() and not place.present.strip():
        return Rejection(reason="repeats_suffix" if written else "empty")
    return text


def _before_line(text: str, line: str) -> str:
    """The text up to the first line that is nothing but `line`."""
    lines = text.split("\n")
    stop = next((i for i, other in enumerate(lines) if other.strip() == line), len(lines))
    return "\n".join(lines[:stop])
