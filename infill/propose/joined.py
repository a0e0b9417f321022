"""Joined texts: what is likeliest so far, with what a hole's sides lack, where nothing in the pool is whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, product

from infill.judge.score import ranked
from infill.syntax.joints import best_ends, best_heads
from infill.syntax.parser import has_grammar
from infill.task import Proposal, Scored, Steps, Task
from infill.text.lines import goes_on

# Texts of the pool that are joined, and whole texts that are enough: each form is parsed.
_MOST_TEXTS, _MOST_WHOLE = 4, 12


def propose(task: Task, pool: Sequence[Scored]) -> Steps[list[Proposal]]:
    """Proposes for a single empty hole whose sides no text in the pool joins: a text with what closes the left side's
    brackets, and where the line goes on after the hole, with the beginning of the line that the right side ends."""
    yield from ()
    if task.layout.middles != ("",) or not pool or not has_grammar(task.check.syntax.language):
        return []
    with task.meter.timed("rank"):
        return [task.proposal(text, "joined") for text in _whole(task, pool)]


def _whole(task: Task, pool: Sequence[Scored]) -> list[str]:
    """Forms of the likeliest texts that leave the fewest errors, and fewer than the best."""
    likeliest = ranked(pool, task.profile.weights)
    best = next(likeliest)
    most = fewest = best.flaws().syntax_errors
    if not most:
        return []
    found = list[str]()
    texts = [best.texts[0], *(scored.texts[0] for scored in islice(likeliest, _MOST_TEXTS - 1)), ""]
    for form in dict.fromkeys(_forms(task, texts)):
        errors = task.check.syntax.errors([form])
        if errors < fewest:
            fewest, found = errors, []
        if errors == fewest < most:
            found.append(form)
        if not fewest and len(found) == _MOST_WHOLE:
            break
    return found


def _forms(task: Task, texts: Sequence[str]) -> Iterator[str]:
    before, after = task.check.syntax.around
    language = task.check.syntax.language
    crosses = goes_on(after)
    heads = best_heads(before, after, language, count=3) if crosses else []
    bare = best_ends(before, language, count=2) if crosses else []
    for text in texts:
        ends = best_ends(before + text, language, count=3)
        yield from (text + end for end in ends)
        yield from (f"{text}{end}\n{head}" for end, head in product(ends, heads))
        for head in best_heads(before, text + after, language, count=1) if crosses else ():
            yield from (f"{end}\n{head}{text}" for end in bare)
