"""From raw to finished: the part of a proposal's texts that belongs in the holes, or the reason to drop it.

A text is only ever shortened from its end; the text around the holes is never touched.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from functools import lru_cache
from itertools import accumulate

from engine.canvas import TokenIds
from infill.judge.blanks import ends_line, trimmed
from infill.judge.echo import drop_echo
from infill.prompt.chat import Fence
from infill.prompt.layout import HoleMode, Layout
from infill.proposal import Proposal
from infill.request import Rejection
from infill.syntax.statements import cut_to_scope
from infill.task import Task
from infill.text.holes import sides

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
        before, after = sides(task.layout.around, texts, hole)
        text = trim_completion(raw, before, after, task.layout.middles[hole], mode, task.layout.fence)
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


def _ids_of(token_ids: TokenIds, text: str, hole: int, layout: Layout) -> TokenIds:
    """The tokens of a finished text: the first few of those that it was written in, or other ones where a cut falls
    inside a token or the known characters at the hole's edges are missing."""
    wanted = layout.edges[hole].wrap(text)
    pieces = layout.tokens.decode_pieces(token_ids.tolist())
    count = bisect_left([*accumulate(map(len, pieces))], len(wanted)) + 1
    return token_ids[:count] if "".join(pieces[:count]) == wanted else layout.encode_middle(hole, text)


@lru_cache(maxsize=64)
def trim_completion(
    raw: str, before: str, after: str, present: str, mode: HoleMode | None, fence: Fence
) -> str | Rejection:
    """A decoded text cut at the end of its line or scope, without what repeats the text after the hole; rejected where
    nothing is left. before, after: the text around the hole; present: what stands there now. mode: how far the text
    goes; None where that is known to be all of it, as of a copy."""
    text = _before_line(raw, fence.marks)
    if mode in ("within", "line"):
        text = text.partition("\n")[0]
    written = text.strip()
    text = trimmed(text, before, after, fence.language, present=present)
    if mode == "block" and not present:
        text = cut_to_scope(text, before, after, fence.language)
    text = drop_echo(text, before, after)
    if ends_line(after):
        text = text.rstrip()
    if not text.strip() and not present.strip():
        return Rejection(reason="repeats_suffix" if written else "empty")
    return text


def _before_line(text: str, line: str) -> str:
    """The text up to the first line that is nothing but `line`."""
    lines = text.split("\n")
    stop = next((i for i, other in enumerate(lines) if other.strip() == line), len(lines))
    return "\n".join(lines[:stop])
