"""The gate: how much of a candidate is shown, all of it, its first line, or nothing, and why.

What was asked for is shown, unless it breaks a text that it replaces without being told to. Of what nobody asked for
counts the negative log-probability of the least likely of its lines, and of what follows a recent change how much
likelier it is than the text as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from infill.judge.flaws import FlawCheck, objection
from infill.judge.score import rank_score
from infill.profile import Profile, Weights
from infill.request import InfillRequest, Rejection
from infill.syntax.brackets import closing
from infill.task import Scored
from infill.text.languages import common_words
from infill.text.lines import OPENERS, columns_of, goes_on, to_line_feeds
from infill.text.words import identifier_completions, start_of_word

# The beginning of an identifier after which the only one that begins so is right in nine of ten places.
_BEGUN = re.compile(r"[^\W\d]\w{2,}\Z")
_WORD_ENDS = re.compile(r"\w+")
# How a line ends, beside those that open a block, that goes on below it.
_GOES_ON = ("=>", "->", ",", "\\", "=", "&&", "||", "|", " +", " -", " *", " and", " or", " not", " in")


@dataclass(frozen=True, slots=True, kw_only=True)
class Insertion:
    """The place of a single empty hole: the text around it, line ends "\\n", and what finds the flaws of a text there,
    which may know less of that."""

    before: str
    after: str
    check: FlawCheck

    @classmethod
    def of(cls, request: InfillRequest, check: FlawCheck) -> Self | None:
        """The place of a request's hole; None for several, or one with text in it. What an entry of a menu replaces
        counts as nothing."""
        typed = request.must_start_with
        if len(request.holes) > 1 or (any(request.middles) and typed is None):
            return None
        before, after = request.prefix + (typed or ""), request.suffix
        return cls(before=to_line_feeds(before), after=to_line_feeds(after), check=check)

    def is_broken_by_cutting(self, text: str, end: int) -> bool:
        """Whether a text up to the end of one of its lines cannot do without its other lines."""
        line = (self.before + text[:end]).rpartition("\n")[2]
        errors = self.check.syntax.errors
        return leaves_open(line, text[end:]) or errors([text[:end]]) > errors([text])


def gate(
    scored: Scored,
    request: InfillRequest,
    profile: Profile,
    *,
    added_errors: int,
    as_it_is: Scored | None,
    insertion: Insertion | None,
) -> Scored | Rejection:
    """The part of a request's candidate that is shown, or why none is.

    added_errors: of syntax, that it is to blame for. as_it_is: what stands in the holes, None where that was not read.
    insertion: None where texts are replaced.
    """
    if request.follows:
        # Where it was asked for, as likely as the text as it is will do.
        margin = min(profile.edits.margin, 0.0) if request.confidence is None else profile.edits.margin
        return suggested_edit(scored, as_it_is, margin=margin, weights=profile.weights)
    if request.must_be_whole and added_errors:
        return Rejection(reason="breaks_syntax")
    if request.max_line_nll is None:
        return scored
    return admitted(scored, request.max_line_nll, added_errors=added_errors, insertion=insertion)


def admitted(
    scored: Scored, max_line_nll: float, *, added_errors: int, insertion: Insertion | None
) -> Scored | Rejection:
    """The part of a candidate that may be shown unasked. max_line_nll: nats. added_errors: of syntax.
    insertion: None where texts are replaced, which are shown whole or not at all."""
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
    """The part of a candidate whose lines are all likely enough: all of it, or its first line; None where even that is
    not."""
    if max(scored.line_nll) <= max_line_nll:
        return scored
    if insertion is None:
        return None
    # The encoder doubts the rest of a word for what may follow the word.
    if ends_only_identifier(scored.texts[0], insertion.before, insertion.after, insertion.check.language):
        return scored
    if goes_on(insertion.after):
        return None  # What follows on the line belongs to the last of the text's lines.
    blank = scored.texts[0].removesuffix(scored.texts[0].lstrip()).count("\n")
    shown = scored.first_lines(blank + 1)
    return shown if max(shown.line_nll) <= max_line_nll else None


def suggested_edit(scored: Scored, as_it_is: Scored | None, *, margin: float, weights: Weights) -> Scored | Rejection:
    """What follows a recent change, where it is worth more than the text as it is by a margin, in nats.

    as_it_is: None where nobody has read it, and nothing is to be compared.
    """
    if as_it_is is None:
        return Rejection(reason="low_confidence") if margin > 0 else scored
    if scored.flaws().syntax_errors > as_it_is.flaws().syntax_errors:
        return Rejection(reason="breaks_syntax")
    gain = rank_score(scored, weights) - rank_score(as_it_is, weights)
    return scored if gain >= margin else Rejection(reason="unchanged")


def leaves_open(line: str, rest: str) -> bool:
    """Whether a line is only the beginning of something without the lines after it (`rest`): it ends as lines do
    that go on below, leaves a bracket, string or comment open, or the next one is indented more."""
    following = next((other for other in rest.split("\n") if other.strip()), "")
    return (
        columns_of(following) > columns_of(line)
        or line.rstrip().endswith((*OPENERS, *_GOES_ON))
        or line.rfind("/*") > line.rfind("*/")
        or bool(closing(line))
    )


def ends_only_identifier(text: str, before: str, after: str, language: str) -> bool:
    """Whether a text is the rest of a word that has been begun: what has been typed is no word yet, and only one
    of the identifiers elsewhere begins so."""
    begun = _BEGUN.search(before, start_of_word(before)) if _WORD_ENDS.fullmatch(text) else None
    if begun is None or begun[0] in common_words(language):
        return False
    is_word = re.compile(rf"\b{begun[0]}\b")
    if is_word.search(before[: begun.start()]) or is_word.search(after):
        return False
    return identifier_completions(before, after, count=2) == [text]
