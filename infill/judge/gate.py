"""The gate: how much of an unasked candidate is shown, all of it, its first line, or nothing.

What counts is the negative log-probability of the least likely of a candidate's lines. What is asked for
does not come here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from infill.judge.score import rank_score
from infill.judge.unasked import ends_only_identifier, leaves_open, objection
from infill.profile import Weights
from infill.proposal import Scored
from infill.request import Rejection
from infill.syntax.check import SyntaxCheck


@dataclass(frozen=True, kw_only=True)
class Insertion:
    """The place of a single empty hole: the text around it, line ends "\\n", and the name of its language."""

    before: str
    after: str
    language: str

    @property
    def right(self) -> str:
        """The rest of its line."""
        return self.after.partition("\n")[0]

    def is_broken_by_cutting(self, text: str, end: int) -> bool:
        """Return whether a text up to the end of one of its lines cannot do without its other lines."""
        line = (self.before + text[:end]).rpartition("\n")[2]
        errors = self._statements.errors
        return leaves_open(line, text[end:]) or errors([text[:end]]) > errors([text])

    @cached_property
    def _statements(self) -> SyntaxCheck:
        return SyntaxCheck.of((self.before, self.after), ("",), self.language)


def admitted(
    scored: Scored, max_line_nll: float, *, added_errors: int, insertion: Insertion | None
) -> Scored | Rejection:
    """Return the part of a candidate that may be shown. max_line_nll: nats. added_errors: of syntax. insertion: None
    where texts are replaced, which are shown whole or not at all."""
    if added_errors:
        return Rejection(reason="breaks_syntax")
    shown = likely_part(scored, max_line_nll, insertion)
    if shown is None:
        return Rejection(reason="low_confidence")
    if insertion and (reason := objection(shown.texts[0], insertion.before, insertion.after)):
        return Rejection(reason=reason)
    if insertion and shown is not scored and insertion.is_broken_by_cutting(scored.texts[0], len(shown.texts[0])):
        return Rejection(reason="breaks_syntax")
    return shown


def likely_part(scored: Scored, max_line_nll: float, insertion: Insertion | None) -> Scored | None:
    """Return the part of a candidate whose lines are all likely enough; None where its first is not."""
    if max(scored.line_nll) <= max_line_nll:
        return scored
    if insertion is None:
        return None
    # The encoder doubts the rest of a word for what may follow the word.
    if ends_only_identifier(scored.texts[0], insertion.before, insertion.after, insertion.language):
        return scored
    shown = None if insertion.right.strip() else first_line(scored)
    return shown if shown is not None and max(shown.line_nll) <= max_line_nll else None


def suggested_edit(scored: Scored, as_it_is: Scored | None, *, margin: float, weights: Weights) -> Scored | Rejection:
    """Return what follows a recent change, where it is worth more than the text as it is by a margin, in nats.

    as_it_is: None where nobody has read it, and nothing is to be compared.
    """
    if as_it_is is None:
        return Rejection(reason="low_confidence") if margin > 0 else scored
    if scored.flaws().syntax_errors > as_it_is.flaws().syntax_errors:
        return Rejection(reason="breaks_syntax")
    gain = rank_score(scored, weights) - rank_score(as_it_is, weights)
    return scored if gain >= margin else Rejection(reason="unchanged")


def first_line(scored: Scored) -> Scored | None:
    """Return a single hole's text up to the end of its first line with text on it; None where no text comes after
    it."""
    text = scored.texts[0]
    lines = text[: len(text) - len(text.lstrip())].count("\n") + 1
    rest = text.split("\n")[lines:]
    return scored.first_lines(lines) if len(scored.texts) == 1 and any(map(str.strip, rest)) else None
