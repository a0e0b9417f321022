"""From raw to finished: the part of a proposal's texts that belongs in the holes, or the reason to drop it.

A text is only ever shortened from its end; the text around the holes is never touched.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

from engine.canvas import TokenIds
from infill.judge.trim import Surroundings, trim_completion
from infill.prompt.layout import Layout
from infill.prompt.mode import HoleMode
from infill.proposal import Proposal
from infill.request import Rejection
from infill.task import Task

# Sources whose texts are known to end where they do, whatever lines they run over.
_WHOLE = ("prompt_lookup", "joined")


def finished(proposal: Proposal, task: Task) -> Proposal | Rejection:
    """A proposal with its texts cut at the end of their line or scope, without what repeats the text after the hole;
    rejected where nothing is left of one."""
    if proposal.source == "replayed_edit":
        return proposal  # All of it is known.
    texts = list(proposal.texts)
    mode = None if proposal.source in _WHOLE and task.mode == "within" else task.mode
    for hole, raw in enumerate(proposal.texts):
        text = trim_completion(raw, surroundings(hole, texts, task.layout, mode))
        if isinstance(text, Rejection):
            return text
        texts[hole] = text
    holes = zip(proposal.token_ids, texts, strict=True)
    ids = tuple(_ids_of(own, text, hole, task.layout) for hole, (own, text) in enumerate(holes))
    entropies = tuple(own[: len(kept)] for own, kept in zip(proposal.token_entropy, ids, strict=False))
    return replace(proposal, texts=tuple(texts), token_ids=ids, token_entropy=entropies)


def is_finished(proposal: Proposal, task: Task) -> bool:
    """Whether nothing of a proposal's texts is to be cut off."""
    own = finished(proposal, task)
    return isinstance(own, Proposal) and own.texts == proposal.texts


def surroundings(hole: int, texts: Sequence[str], layout: Layout, mode: HoleMode | None) -> Surroundings:
    """The text around a hole when all holes hold these texts."""
    before, after = layout.around[0], layout.around[-1]
    for text, run in zip(texts[:hole], layout.around[1:], strict=False):
        before += text + run
    for run, text in zip(layout.around[-2:hole:-1], texts[:hole:-1], strict=True):
        after = run + text + after
    return Surroundings(before=before, present=layout.middles[hole], after=after, mode=mode, fence=layout.fence)


def _ids_of(token_ids: TokenIds, text: str, hole: int, layout: Layout) -> TokenIds:
    """The tokens of a finished text: the first few of those that it was written in, or other ones where a cut falls
    inside a token or the known characters at the hole's edges are missing."""
    wanted = layout.edges[hole].wrap(text)
    pieces = layout.tokens.decode_pieces(token_ids.tolist())
    count = bisect_left([*accumulate(map(len, pieces))], len(wanted)) + 1
    return token_ids[:count] if "".join(pieces[:count]) == wanted else layout.encode_middle(hole, text)
