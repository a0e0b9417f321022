"""Prompt lookup: copies from other places of the prompt whose surroundings match the hole's."""

from __future__ import annotations

from collections.abc import Sequence

from infill.proposal import Proposal, Scored, Steps
from infill.propose.copies import copies, copy_probs, identifier_probs
from infill.task import Task
from infill.text.lines import to_line_feeds
from infill.text.words import identifier_completions


def propose(task: Task, pool: Sequence[Scored]) -> Steps[list[Proposal]]:
    """Proposes copies for empty holes, the same text for all of them; spends no forward."""
    yield from ()
    if any(task.layout.middles):
        return []
    with task.meter.timed("rank"):
        proposals = [_proposal(task, text, prob) for text, prob in _found(task).items()]
    return [proposal for proposal in proposals if all(map(task.fits, proposal.token_ids))]


def _found(task: Task) -> dict[str, float]:
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


def _proposal(task: Task, text: str, copy_prob: float) -> Proposal:
    holes = range(len(task.layout.edges))
    return Proposal(
        texts=tuple(text for _ in holes),
        token_ids=tuple(task.layout.encode_middle(hole, text) for hole in holes),
        source="prompt_lookup",
        copy_prob=copy_prob,
    )
