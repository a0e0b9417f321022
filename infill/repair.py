"""Repair: other endings for a text that breaks the syntax, by leaving its end out and closing what it leaves open.

Knows brackets, quotes and the headers of Python's blocks; whether an ending helps is for a parser to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_CLOSERS = {"(": ")", "[": "]", "{": "}"}
_QUOTES = "\"'`"
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


def _tail(line: str, language: str) -> str:
    """What closes a line: the brackets and quotes it opens, and the colon of a header."""
    stack: list[str] = []
    escaped = False
    for character in line:
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
    header = language == "python" and _HEADER.match(line) and not (line + tail).endswith(":")
    return tail + ":" if header else tail
