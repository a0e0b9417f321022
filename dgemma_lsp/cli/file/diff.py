"""A unified diff of two texts that are mostly the same.

Lines end with LF only, as for the tools that apply such diffs; a CR is part of its line.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from difflib import SequenceMatcher

from infill.text.lines import common_ends

CONTEXT = 3
_ESCAPES = {ord("\n"): "\\n", ord("\t"): "\\t", ord('"'): '\\"', ord("\\"): "\\\\"}
NO_NEWLINE = "\\ No newline at end of file\n"


def unified_diff(before: str, after: str, path: str) -> Iterator[str]:
    """The lines of the diff, each with its end; none where the texts are equal. path: as Python writes a file's name.

    What the texts begin and end with in common is set aside first, so a large file costs no more than its change.
    """
    old, new = _lines(before), _lines(after)
    head, tail = common_ends(old, new)
    first = max(head - CONTEXT, 0)
    old_part = old[first : len(old) - max(tail - CONTEXT, 0)]
    new_part = new[first : len(new) - max(tail - CONTEXT, 0)]
    if head == len(old) == len(new):
        return
    yield f"--- {_quoted(f'a/{path}')}\n"
    yield f"+++ {_quoted(f'b/{path}')}\n"
    for group in SequenceMatcher(None, old_part, new_part).get_grouped_opcodes(CONTEXT):
        (_, old_start, _, new_start, _), (_, _, old_end, _, new_end) = group[0], group[-1]
        yield f"@@ -{_span(first + old_start, first + old_end)} +{_span(first + new_start, first + new_end)} @@\n"
        for tag, old_from, old_to, new_from, new_to in group:
            if tag == "equal":
                yield from _signed(" ", old_part[old_from:old_to])
            else:
                yield from _signed("-", old_part[old_from:old_to])
                yield from _signed("+", new_part[new_from:new_to])


def _quoted(path: str) -> str:
    """A name as `git apply` and `patch` read it: quoted where it holds control characters, quotes or bytes that are no
    text; before a tab where it holds blanks."""
    if not any(letter < " " or letter in '"\\\x7f' or "\udc80" <= letter <= "\udcff" for letter in path):
        return f"{path}\t" if " " in path else path
    letters = (
        _ESCAPES.get(byte) or (chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03o}") for byte in os.fsencode(path)
    )
    return f'"{"".join(letters)}"'


def _lines(text: str) -> list[str]:
    return list(io.StringIO(text, newline="\n"))


def _signed(sign: str, lines: list[str]) -> Iterator[str]:
    for line in lines:
        if line.endswith("\n"):
            yield sign + line
        else:
            yield f"{sign}{line}\n"
            yield NO_NEWLINE


def _span(start: int, end: int) -> str:
    """A range as diffs write it: from 1, and an empty one by the line before it."""
    length = end - start
    first = start + 1 if length else start
    return f"{first}" if length == 1 else f"{first},{length}"
