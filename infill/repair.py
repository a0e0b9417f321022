"""Repair: other forms of a text that breaks the syntax, by leaving a part of it out and closing what it leaves open.

Knows brackets, quotes and the headers of Python's blocks; whether a form helps is for a parser to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from infill.brackets import closing
from infill.indentation import OPENERS, margin_of, step_of

# Lines of a statement that may have opened what is to be closed.
_LINES_OPEN = 30
_HEADER = re.compile(r"\s*(?:async\s+)?(?:def|class|if|elif|else|for|while|with|try|except|finally|match|case)\b")


def endings(text: str, cuts: Sequence[int], *, before: str, after: str, language: str) -> Iterator[str]:
    """A text's other endings, the longest first. cuts: where it may be cut, ascending, offsets into it. before, after:
    the text around it; only where its last line has nothing after it is anything closed.

    An empty text, and the text itself, are never among them.
    """
    ends_line = not after or after.startswith("\n")
    for cut in [len(text), *(cut for cut in reversed(cuts) if 0 < cut < len(text))]:
        kept = text[:cut].rstrip() if ends_line else text[:cut]
        if not kept.strip():
            return
        ended = kept + tail((before + kept).rpartition("\n")[2], language) if ends_line else kept
        if ended != text:
            yield ended
        if ends_line and cut == len(text):
            # In brackets that an earlier line opened it may want a comma; only the parser knows.
            yield ended + ","


def joints(text: str, cuts: Sequence[int], *, before: str, bridges: Sequence[str] = (), language: str) -> Iterator[str]:
    """A text's other forms where the text after it belongs to a later line: its beginning, closed, and then, on a line
    with what follows, its end. cuts, before: as in `endings`. bridges: texts whose last lines may begin that line."""
    left = before.rpartition("\n")[2]
    begun_lines = last_lines(before, language)
    heads = [bridge.rpartition("\n")[2] for bridge in bridges]
    places = sorted({0, *(cut for cut in cuts if 0 < cut < len(text)), len(text)})
    for end in reversed(places[-3:]):
        for start in (place for place in reversed(places) if place <= end):
            begun = text[:start].rstrip()
            line = (left + begun).rpartition("\n")[2]
            closed = begun + tail(begun_lines + begun, language)
            margin = margin_of(line)
            step = step_of(margin) if closed.endswith(OPENERS) else ""
            for head in dict.fromkeys([margin + step, *heads]):
                yield f"{closed}\n{head}{text[end:].lstrip()}"


def last_lines(text: str, language: str) -> str:
    """The lines of a text on which its last statement may have opened something: where braces open blocks, which later
    lines close, the last one."""
    return "\n".join(text.split("\n")[-(_LINES_OPEN if language == "python" else 1) :])


def tail(text: str, language: str) -> str:
    """What closes a text of one or a few lines: the brackets and quotes it opens, and the colon of a header."""
    closers = closing(text)
    line = text.rpartition("\n")[2]
    header = language == "python" and _HEADER.match(line) and not (line + closers).endswith(":")
    return closers + ":" if header else closers
