"""Repair: other forms of a text that breaks the syntax, by leaving a part of it out and closing what it leaves open.

Knows brackets, quotes and the headers of Python's blocks; whether a form helps is for a parser to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_CLOSERS = {"(": ")", "[": "]", "{": "}"}
_QUOTES = "\"'`"
_OPENERS = (":", "{", "(", "[")
# Lines of a statement that may have opened what is to be closed.
_LINES_OPEN = 8
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
        ended = kept + _tail((before + kept).rpartition("\n")[2], language) if ends_line else kept
        if ended != text:
            yield ended
        if ends_line and cut == len(text):
            # In brackets that an earlier line opened it may want a comma; only the parser knows.
            yield ended + ","


def joints(text: str, cuts: Sequence[int], *, before: str, language: str) -> Iterator[str]:
    """A text's other forms where the text after it belongs to a later line: its beginning, closed, and then, on a line
    with what follows, its end. cuts, before: as in `endings`."""
    left = before.rpartition("\n")[2]
    begun_lines = "\n".join(before.split("\n")[-_LINES_OPEN:])
    places = sorted({0, *(cut for cut in cuts if 0 < cut < len(text)), len(text)})
    for end in reversed(places[-3:]):
        for start in (place for place in reversed(places) if place <= end):
            begun = text[:start].rstrip()
            line = (left + begun).rpartition("\n")[2]
            closed = begun + _tail(begun_lines + begun, language)
            indentation = line[: len(line) - len(line.lstrip())]
            step = ("\t" if "\t" in indentation else "    ") if closed.endswith(_OPENERS) else ""
            yield f"{closed}\n{indentation}{step}{text[end:].lstrip()}"


def _tail(text: str, language: str) -> str:
    """What closes a text of one or a few lines: the brackets and quotes it opens, and the colon of a header."""
    stack: list[str] = []
    escaped = False
    for character in text:
        if character == "\n":  # Quotes that stay open are of a text over several lines, or an apostrophe.
            stack = [closer for closer in stack if closer not in _QUOTES]
        quoted = bool(stack) and stack[-1] in _QUOTES
        if escaped or (quoted and character == "\\"):
            escaped = not escaped
        elif stack and character == stack[-1]:
            stack.pop()
        elif not quoted and character in _CLOSERS:
            stack.append(_CLOSERS[character])
        elif not quoted and character in _QUOTES:
            stack.append(character)
    tail = "".join(reversed(stack))
    line = text.rpartition("\n")[2]
    header = language == "python" and _HEADER.match(line) and not (line + tail).endswith(":")
    return tail + ":" if header else tail
