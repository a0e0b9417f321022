"""Whether a suggestion that nobody asked for is worth showing."""

from __future__ import annotations

from infill.request import Candidate


def is_confident(candidate: Candidate, max_entropy: float) -> bool:
    """Whether the least certain token of the candidate is certain enough; max_entropy in nats."""
    return candidate.worst_entropy <= max_entropy
