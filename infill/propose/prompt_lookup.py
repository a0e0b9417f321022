"""Prompt lookup: texts elsewhere in the prompt, between the same characters as around a hole, and how likely each is a
copy.

Code repeats itself, and a model that would not have spelled a long text out may well know it when it reads it. Lines
end in "\\n" here. (The idea: prompt lookup decoding, and a cache model beside a language model, arXiv 1612.04426.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from heapq import nlargest
from itertools import islice
from math import exp

from infill.profile import CopyPrior
from infill.task import Proposal, Scored, Steps, Task
from infill.text.lines import common_length, margin_of, moved, to_line_feeds
from infill.text.words import identifier_completions

# Characters on each side of a hole that have to be alike, and beyond which it does not matter whether they are.
_LEAST_ALIKE, _MOST_ALIKE = 3, 64
# No file can hold a lone one, though an editor may show it.
_SURROGATE = re.compile("[\ud800-\udfff]")
# Places that are looked at, those first that have the most in common with what stands before the hole, and places that
# are compared to find these: a run of blanks holds as many as it has characters.
_MOST_PLACES, _MOST_COMPARED = 32, 512


def propose(task: Task, pool: Sequence[Scored]) -> Steps[list[Proposal]]:
    """Proposes copies for empty holes, the same text for all of them; spends no forward."""
    yield from ()
    if any(task.layout.middles):
        return []
    with task.meter.timed("rank"):
        found = _texts(task).items()
        proposals = [task.proposal(text, "prompt_lookup", copy_prob=prob) for text, prob in found]
    return [proposal for proposal in proposals if all(len(ids) in task.possible_lengths for ids in proposal.token_ids)]


def _texts(task: Task) -> dict[str, float]:
    """Copies and the ends of identifiers for the holes, with the probability of each under the profile's copy prior; 0
    without one, and for several holes, since none is known for a text in all of them."""
    around, count = task.layout.around, task.profile.max_copies
    reach = task.profile.window.reach
    snippets = [to_line_feeds(snippet.text[:reach]) for snippet in task.request.snippets]
    lines = task.mode == "block" or (task.mode == "within" and task.profile.multiline_copies)
    longest = task.profile.max_copy_characters
    alike: dict[str, int] = {}
    ends: list[str] = []
    for hole in range(len(task.layout.edges)):
        before, after = around[hole : hole + 2]
        others = [*around[:hole], *around[hole + 2 :], *snippets]
        found = copies(before, after, others=others, lines=lines, count=count, longest=longest)
        for text, characters in found.items():
            alike[text] = max(characters, alike.get(text, 0))
        ends += identifier_completions(before, after, others=others, count=count)
    best = dict(sorted(alike.items(), key=lambda own: own[1], reverse=True)[:count])
    prior = task.profile.copy_prior
    if prior is None or len(task.layout.edges) > 1:
        return dict.fromkeys([*best, *ends[:count]], 0.0)
    begun = identifier_probs(ends, prior, within=task.mode == "within")
    copied = {text: (1 - sum(begun.values())) * prob for text, prob in copy_probs(best, prior).items()}
    return copied | {text: copied.get(text, 0.0) + prob for text, prob in begun.items()}


def copies(
    before: str, after: str, *, others: Sequence[str] = (), lines: bool, count: int, longest: int
) -> dict[str, int]:
    """Texts that other places have where this one has a hole between `before` and `after`, those first that
    have the most characters around them in common, with how many characters that is. Their lines are indented as
    they would be here.

    others: texts that may hold such places, too. lines: whether what is missing may go on over several lines. count:
    texts at most. longest: characters of a text, at most.
    """
    if not count:
        return {}
    after = after or "\n"  # A file's end is a line's end, too.
    alike: dict[str, int] = {}
    for source in (before[:-1], after, *others):
        for text, characters in _found(source, before, after, lines=lines, longest=longest):
            alike[text] = max(characters, alike.get(text, 0))
    return {text: alike[text] for text in nlargest(count, alike, key=alike.__getitem__)}


def copy_probs(alike: Mapping[str, int], prior: CopyPrior) -> dict[str, float]:
    """The probability of each copy under a prior, from its characters in common (a cache model beside a language model,
    arXiv 1612.04426)."""
    weights = {text: exp(prior.nats_per_character * characters) for text, characters in alike.items()}
    total = exp(prior.nats_per_character * prior.even_characters) + sum(weights.values())
    return {text: prior.max_prob * weight / total for text, weight in weights.items()}


def identifier_probs(texts: Sequence[str], prior: CopyPrior, *, within: bool) -> dict[str, float]:
    """The probability of each of a few identifiers' ends under a prior: half that of the one before. within: whether
    the line goes on after the hole."""
    total = prior.identifier_within if within else prior.identifier_to_end
    return {text: total / 2 ** (place + 1) for place, text in enumerate(texts)}


def _found(source: str, before: str, after: str, *, lines: bool, longest: int) -> Iterator[tuple[str, int]]:
    """Texts of a source, with how many characters on both sides of them are the same as around the hole."""
    stop = "\n" if after.startswith("\n") else after[: len(after) - len(after.lstrip(" ")) + _LEAST_ALIKE]
    for start, characters in _starts(source, before).items():
        line_end = source.find("\n", start)
        most = longest if lines or line_end < 0 else min(line_end - start, longest)
        for end in _each(stop, source[: start + most + len(stop)], start + 1):
            if source[start:end].strip() and not _SURROGATE.search(source, start, end):
                yield (
                    _placed(source, start, end, before),
                    characters + common_length(source[end : end + _MOST_ALIKE], after),
                )


def _placed(source: str, start: int, end: int, before: str) -> str:
    """A piece of a source with its lines indented as they would be behind `before`."""
    left = before.rpartition("\n")[2]
    begun = source[source.rfind("\n", 0, start) + 1 : start]
    text = source[start:end]
    if not left:
        return text  # It brings its own indentation.
    begins_line = left.isspace() and not begun.strip()
    if "\n" in text:
        text = moved(text, margin_of(begun + text if begins_line else begun), margin_of(left))
    return text.lstrip(" \t") if begins_line else text


def _starts(source: str, before: str) -> dict[int, int]:
    """The offsets in a source behind the most characters that are the same as before the hole, with how many."""
    # Where a longer piece stands often enough, none of the places where only a shorter one does would be looked at.
    keys = (before[-size:] for size in (24, 12, 6))
    key = next((key for key in keys if source.count(key) >= _MOST_PLACES), before[-_LEAST_ALIKE:])
    ends = [at + len(key) for at in islice(_each(key, source, 0), _MOST_COMPARED)]
    starts = {at: common_length(reversed(source[max(at - _MOST_ALIKE, 0) : at]), reversed(before)) for at in ends}
    return {at: starts[at] for at in nlargest(_MOST_PLACES, starts, key=starts.__getitem__)}


def _each(key: str, source: str, start: int) -> Iterator[int]:
    """The offsets at which a key stands, from `start` on."""
    at = source.find(key, start) if key else -1
    while at >= 0:
        yield at
        at = source.find(key, at + 1)
