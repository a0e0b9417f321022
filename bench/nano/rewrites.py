"""Rewrites of real Python to instructions in words: each way of writing to the other, where its meaning stays."""

from __future__ import annotations

import random
from dataclasses import dataclass

from bench.nano.corpus import Document
from bench.nano.definitions import definition_sites
from bench.nano.example import Example, replaced
from bench.nano.lines import line_of, written
from bench.nano.sites import Manner, Site, sites
from bench.nano.statements import statement_sites
from infill.request import InfillRequest, Span

# In words, from a site's own text to its other one, and back.
INSTRUCTIONS: dict[Manner, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "hints": (
        ("remove the type hints", "Strip the type annotations.", "no type hints", "drop the annotations"),
        ("add type hints", "Annotate the types.", "type the parameters and the result", "add annotations"),
    ),
    "docstring": (
        ("remove the docstring", "Delete the docstring.", "no docstring", "drop the docstring"),
        ("add a docstring", "Document this.", "write a docstring", "Add a short docstring."),
    ),
    "format": (
        ("use an f-string", "Turn this into an f-string.", "f-string instead of format", "convert to an f-string"),
        ("use str.format", "Use .format instead of an f-string.", "no f-string", "convert to .format"),
    ),
    "early_return": (
        ("remove the else", "Return early instead of using else.", "no else after return", "dedent the else branch"),
        ("use else", "Put the rest into an else branch.", "add an else", "if and else instead of an early return"),
    ),
    "unguard": (
        ("remove the try", "Do not catch the error.", "no try", "let errors through"),
        ("wrap in try, on {0}: {1}", "Catch {0} and `{1}`.", "try, except {0}: {1}", "on {0} {1}"),
    ),
    "inline": (
        ("inline {0}", "Inline the variable `{0}`.", "no variable {0}", "put {0} where it is used"),
        ("extract {1} as {0}", "Extract a variable `{0}`.", "{0} = {1}", "put {1} into a variable {0}"),
    ),
    "argument": (
        ("remove the argument {1}", "Do not take `{1}` any more.", "no {1}", "drop the parameter {1}"),
        (
            "add an argument {0} and pass it on to {2}",
            "Take `{0}`, and pass it to `{2}`.",
            "{0}, passed on to {2}",
            "new parameter {0} for {2}",
        ),
    ),
    "constant": (
        ("inline the constant {0}", "Put {1} where `{0}` is used.", "no constant {0}", "inline {0}"),
        ("extract a constant {0}", "Make {1} a constant `{0}`.", "{0} = {1}", "put {1} into a constant {0}"),
    ),
}
# The same either way.
_INVERSION = (
    "invert the condition",
    "Swap the branches.",
    "invert the if",
    "Negate the condition, swap the branches.",
)
INSTRUCTIONS["invert"] = (_INVERSION, _INVERSION)
# f-strings are common and calls of str.format rare, so both are taken from wherever they stand.
_TO_FORMATTED, _TO_FORMAT = INSTRUCTIONS["format"]
INSTRUCTIONS["unformat"] = (_TO_FORMAT, _TO_FORMATTED)
WEIGHTS: dict[Manner, float] = {
    "hints": 0.2,
    "docstring": 0.1,
    "format": 0.15,
    "unformat": 0.1,
    "early_return": 0.15,
    "invert": 0.1,
    "unguard": 0.1,
    "inline": 0.1,
    "argument": 0.1,
    "constant": 0.05,
}
_ATTEMPTS = 12
_MOST_CHARACTERS = 240
_WHOLE_LINES = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewording:
    """A rewrite, and what it does. backwards: from a site's other text to its own."""

    manner: Manner
    backwards: bool
    example: Example

    @property
    def kind(self) -> str:
        """In words."""
        return f"{self.manner}, back" if self.backwards else self.manner


def reworded(document: Document, rng: random.Random) -> Example | None:
    """A rewrite at a random site of a file; None where it has none that is short enough."""
    made = rewording(document, rng)
    return None if made is None else made.example


def rewording(document: Document, rng: random.Random) -> Rewording | None:
    """The same, with what it does."""
    found: dict[Manner, list[Site]] = {}
    if document.language != "python":
        return None
    for site in (*sites(document.text), *statement_sites(document.text), *definition_sites(document.text)):
        if max(site.span.end - site.span.start, len(site.other)) <= _MOST_CHARACTERS:
            found.setdefault(site.manner, []).append(site)
    if not found:
        return None
    manner = rng.choices(list(found), [WEIGHTS[manner] for manner in found])[0]
    site = rng.choice(found[manner])
    text, hole, answer = document.text, site.span, site.other
    backwards = rng.random() < 0.5
    if backwards:
        text, (other_hole,) = replaced(text, [hole], [answer])
        hole, answer = other_hole, document.text[site.span.start : site.span.end]
    if rng.random() < _WHOLE_LINES:
        hole, answer = _whole_lines(text, hole, answer)
    instruction = rng.choice(INSTRUCTIONS[manner][backwards]).format(*site.words)
    request = InfillRequest(text=text, holes=(hole,), path=document.path, instruction=instruction)
    example = Example(request=request, answers=(answer,))
    return Rewording(manner=manner, backwards=backwards, example=example)


def _whole_lines(text: str, hole: Span, answer: str) -> tuple[Span, str]:
    """A hole and its answer with the rest of the lines they stand on, indentation aside."""
    around = Span(start=line_of(text, hole.start).start, end=line_of(text, hole.end).end)
    lines = written(text, around)
    return lines, text[lines.start : hole.start] + answer + text[hole.end : lines.end]
