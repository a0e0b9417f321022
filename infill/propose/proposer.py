"""The protocol of a source of proposals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from infill.proposal import Proposal, Scored, Steps
from infill.task import Task


class Proposer(Protocol):
    """Proposes texts for a task's holes."""

    def propose(self, task: Task, pool: Sequence[Scored]) -> Steps[list[Proposal]]:
        """Texts as they were written or found, not cut to what belongs in the holes. pool: what earlier stages
        proposed."""
        ...
