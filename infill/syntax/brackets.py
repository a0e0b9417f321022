"""What a text leaves open, and what it closes without having opened it: brackets and quotes, as far as one can tell
without a parser."""

from __future__ import annotations

import re

from infill.text.lines import common_length

CLOSER_OF = {"(": ")", "[": "]", "{": "}"}
OPENER_OF = {closer: opener for opener, closer in CLOSER_OF.items()}
LINE_QUOTES = "\"'`"
_QUOTES = ("", '"', "'", "`", '"""')
# Strings that are closed, and brackets and quotes that are not; within a word an apostrophe is no quote.
_UNCLOSED = re.compile(
    r"""\\.|(?s:""\".*?""\"|'''.*?''')|"(?:\\.|[^"\\\n])*"|(?<!\w)'(?:\\.|[^'\\\n])*'(?!\w)"""
    r"""|(["()\[\]{}]|(?<!\w)'|'(?!\w))"""
)
_MARK = re.compile(r"\\.|'''|\"\"\"|//|[\"'`#()\[\]{}\n]", re.DOTALL)


def unmatched(text: str) -> int:
    """The number of brackets and quotes without a partner. Comments are not told apart, and a text may begin within a
    string, so that only a comparison of two texts in the same place means something."""
    closers, openers = loose(text)
    return len(closers) + len(openers) + sum(mark in LINE_QUOTES for mark in _UNCLOSED.findall(text) if mark)


def loose(text: str) -> tuple[str, str]:
    """The brackets that a text closes without having opened them, and those that it opens and does not close."""
    closers, openers = _loose(text)
    return closers, "".join(mark for mark, _ in openers)


def last_opened(text: str) -> int | None:
    """Where the last of the brackets stands that a text opens and does not close."""
    _, openers = _loose(text)
    return openers[-1][1] if openers else None


def _loose(text: str) -> tuple[str, list[tuple[str, int]]]:
    closers, openers = "", list[tuple[str, int]]()
    for match in _UNCLOSED.finditer(text):
        mark: str | None = match[1]
        if mark in CLOSER_OF:
            openers.append((mark, match.start()))
        elif mark in OPENER_OF and openers and openers[-1][0] == OPENER_OF[mark]:
            openers.pop()
        elif mark in OPENER_OF:
            closers += mark
    return closers, openers


def lacking(before: str, after: str) -> tuple[str, str]:
    """What closes the brackets that a left side opens and nothing closes, and what opens those that its right side
    closes and nothing opens, where the outermost brackets of both are each other's."""
    (_, opened), (closed, _) = loose(before), loose(after)
    wanted = "".join(OPENER_OF[closer] for closer in reversed(closed))
    shared = common_length(opened, wanted)
    return closing(opened[shared:]), wanted[shared:]


def closing(text: str) -> str:
    """What closes the brackets and quotes that a text of one or a few lines opens."""
    stack: list[str] = []
    escaped = False
    for character in text:
        if character == "\n":  # Quotes that stay open are of a text over several lines, or an apostrophe.
            stack = [closer for closer in stack if closer not in LINE_QUOTES]
        quoted = bool(stack) and stack[-1] in LINE_QUOTES
        if escaped or (quoted and character == "\\"):
            escaped = not escaped
        elif stack and character == stack[-1]:
            stack.pop()
        elif not quoted and character in CLOSER_OF:
            stack.append(CLOSER_OF[character])
        elif not quoted and character in LINE_QUOTES:
            stack.append(character)
    return "".join(reversed(stack))


def opening(text: str, language: str) -> str:
    """What opens the brackets and quotes that a text of any number of lines closes: as code, or else as the first kind
    of string in which it may begin. Nothing where a string stays open however it begins."""
    comment = "#" if language == "python" else "//"
    found = (_opening(text, quote, comment) for quote in _QUOTES)
    return next((own for own in found if own is not None), "")


def _opening(text: str, begun: str, comment: str) -> str | None:
    """What opens a text that begins within this quote, which may be none; None where it cannot."""
    quote, opened, wanted = begun, list[str](), list[str]()
    for mark in _MARK.findall(text):
        if quote:
            if mark == "\n" and quote in LINE_QUOTES[:2]:
                return None
            if mark == quote:
                quote = ""
        elif mark == comment:
            quote = "\n"
        elif mark.strip("\"'`") == "":
            quote = mark
        elif mark in CLOSER_OF:
            opened.append(mark)
        elif mark in OPENER_OF:
            if not opened:
                wanted.append(OPENER_OF[mark])
            elif opened.pop() != OPENER_OF[mark]:
                return None
    return "".join(reversed(wanted)) + begun if quote in ("", "\n") else None
