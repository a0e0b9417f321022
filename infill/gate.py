"""The gate: what of a candidate is shown that nobody asked for: all of it, its first line, or nothing.

Knows no model; a candidate's doubt is by how many nats the least likely of its lines is unlikely. What is asked for
does not come here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from infill.candidate import Reading
from infill.request import Rejection
from infill.statements import Statements
from infill.unasked import leaves_open, objection


@dataclass(frozen=True, kw_only=True)
class Insertion:
    """The place of a single empty hole: the text around it, line ends "\\n", and the name of its language."""

    before: str
    after: str
    language: str

    @cached_property
    def statements(self) -> Statements:
        """What stands around it, as a parser sees it."""
        return Statements.of((self.before, self.after), ("",), self.language)


def admitted(
    reading: Reading, most_doubt: float, *, added_errors: int, insertion: Insertion | None
) -> Reading | Rejection:
    """Return what of a reading may be shown. most_doubt: nats. added_errors: of syntax. insertion: None where texts are
    replaced, which are shown whole or not at all."""
    if added_errors:
        return Rejection(reason="breaks_syntax")
    if insertion and (reason := objection(reading.texts[0], insertion.before, insertion.after)):
        return Rejection(reason=reason)
    if reading.doubt <= most_doubt:
        return reading
    first = first_line(reading) if insertion else None
    if insertion is None or first is None or first.doubt > most_doubt:
        return Rejection(reason="low_confidence")
    return _judged_again(first, reading, insertion)


def first_line(reading: Reading) -> Reading | None:
    """Return a single hole's reading up to the end of its first line with text on it; None where no text comes after
    it."""
    text = reading.texts[0]
    lines = text[: len(text) - len(text.lstrip())].count("\n") + 1
    rest = text.split("\n")[lines:]
    return reading.cut(lines) if len(reading.texts) == 1 and any(map(str.strip, rest)) else None


def _judged_again(first: Reading, whole: Reading, insertion: Insertion) -> Reading | Rejection:
    """Return a first line if it can do without the lines that were cut off."""
    [text], [uncut] = first.texts, whole.texts
    if reason := objection(text, insertion.before, insertion.after):
        return Rejection(reason=reason)
    line = (insertion.before + text).rpartition("\n")[2]
    errors = insertion.statements.errors
    broken = leaves_open(line, uncut[len(text) :]) or errors([text]) > errors([uncut])
    return Rejection(reason="breaks_syntax") if broken else first
