"""What is right and what is wrong with an answer to a case; each judgement is the case's own, whatever gave the answer.

The measures of damage (echo, broken syntax, torn words) are taken against the truth: what the true file has as well is
no damage. They do not use the product's own cutting rules, which would find nothing that those had missed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from rapidfuzz.distance import Levenshtein

from bench.cases import Case
from infill.syntax.check import SyntaxCheck
from infill.syntax.parser import error_count
from infill.text.tokens import TextTokens

# Characters of a repetition that cannot well be chance.
_TELLING = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How an answer compares with the truth.

    exact: the same text. similarity: 1 − Levenshtein distance over the longer text's length; nothing offered is like an
    empty text. passed: the program passes its tests; None where it has none. length_error: tokens too many or too few;
    None where nothing was offered. echo: it ends in a copy of what follows the hole. broken: it adds syntax errors.
    torn: at one of its ends two words run into one, or one is cut in two.
    """

    exact: bool
    similarity: float
    passed: bool | None
    length_error: int | None
    echo: bool
    broken: bool
    torn: bool


def judge(case: Case, middle: str | None, tokens: TextTokens) -> Verdict:
    """Judge an answer; None offers nothing, which is wrong but does no damage.

    Raises:
        ValueError: the completed file differs outside the hole.
    """
    filled = case.filled(middle or "")
    before, after = case.text[: case.hole.start], case.text[case.hole.end :]
    if not (filled.startswith(before) and filled.endswith(after) and len(filled) >= len(before) + len(after)):
        raise ValueError(f"{case.name}: the answer changed the text outside its hole")
    if middle is None:
        passed = None if case.check is None else False
        return Verdict(
            exact=False, similarity=0.0, passed=passed, length_error=None, echo=False, broken=False, torn=False
        )
    return Verdict(
        exact=middle == case.truth,
        similarity=Levenshtein.normalized_similarity(middle, case.truth),
        passed=case.passes(middle),
        length_error=abs(len(tokens.encode(middle)) - len(tokens.encode(case.truth))),
        echo=repeats(middle, after) and not repeats(case.truth, after),
        broken=_is_broken(case, middle),
        torn=joints(before, middle, after) != joints(before, case.truth, after),
    )


def repeats(middle: str, after: str) -> bool:
    """Whether a text ends with the beginning of what follows it: with a telling part of the rest of the line, or with
    the next line that has text on it."""
    rest, _, below = after.partition("\n")
    following = next((line.strip() for line in [rest, *below.split("\n")] if line.strip()), "")
    if len(following) < _TELLING:
        return False
    *_, last = middle.rstrip().split("\n")
    return last.endswith((following, rest[:_TELLING])) if rest.strip() else last.strip() == following


def _is_broken(case: Case, middle: str) -> bool:
    """Whether a text breaks more of the syntax than the truth, in the window as it is or in the part of it that parses:
    what a window cuts in two may hide an error, and a measure that the product has too may be blind where it is."""
    if error_count(case.filled(middle), case.language) > error_count(case.text, case.language):
        return True
    around = case.text[: case.hole.start], case.text[case.hole.end :]
    statements = replace(SyntaxCheck.of(around, ("",), case.language), unfinished=())  # Each file is finished.
    return statements.errors([middle]) > statements.errors([case.truth])


def joints(before: str, middle: str, after: str) -> tuple[bool, bool]:
    """Whether a word goes on across the text's beginning, and across its end."""
    starts_in_word = _is_word(before[-1:]) and _is_word((middle + after)[:1])
    ends_in_word = _is_word((before + middle)[-1:]) and _is_word(after[:1])
    return starts_in_word, ends_in_word


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"
