"""Trimming: a decoded text cut to what belongs in its hole.

A text is only ever shortened from its end; the text around the hole is never touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from infill.judge.blanks import ends_line, trimmed
from infill.judge.echo import drop_echo
from infill.prompt.chat import Fence
from infill.prompt.mode import HoleMode
from infill.request import Rejection
from infill.syntax.scope import cut_to_scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The text around a hole. present: what stands there now; before, after: the text around it; "\\n" everywhere.
    mode: how far the text goes; None where that is known to be all of it, as of a copy."""

    before: str
    present: str
    after: str
    mode: HoleMode | None
    fence: Fence


@lru_cache(maxsize=64)
def trim_completion(raw: str, around: Surroundings) -> str | Rejection:
    """A decoded text cut at the end of its line or scope, without what repeats the text after the hole; rejected where
    nothing is left."""
    text = _before_line(raw, around.fence.marks)
    if around.mode in ("within", "line"):
        text = text.partition("\n")[0]
    written = text.strip()
    text = trimmed(text, around.before, around.after, around.fence.language, present=around.present)
    if around.mode == "block" and not around.present:
        text = cut_to_scope(text, around.before, around.after, around.fence.language)
    text = drop_echo(text, around.before, around.after)
    if ends_line(around.after):
        text = text.rstrip()
    if not text.strip() and not around.present.strip():
        return Rejection(reason="repeats_suffix" if written else "empty")
    return text


def _before_line(text: str, line: str) -> str:
    """The text up to the first line that is nothing but `line`."""
    lines = text.split("\n")
    stop = next((i for i, other in enumerate(lines) if other.strip() == line), len(lines))
    return "\n".join(lines[:stop])
