"""Replayed edits: what recent changes make of a hole's text when done over again, and the text as it stands."""

from __future__ import annotations

from collections.abc import Sequence

from infill.task import Proposal, Scored, Steps, Task
from infill.text.lines import to_line_feeds


def propose(task: Task, pool: Sequence[Scored]) -> Steps[list[Proposal]]:
    """Proposes the request's replays, and what stands in the hole, which they have to be likelier than; spends no
    forward."""
    yield from ()
    if len(task.layout.middles) > 1:
        return []
    texts = [*task.layout.middles, *map(to_line_feeds, task.request.replays)]
    proposals = [task.proposal(text, "replayed_edit") for text in dict.fromkeys(texts)]
    return [proposal for proposal in proposals if len(proposal.token_ids[0]) in task.possible_lengths]
