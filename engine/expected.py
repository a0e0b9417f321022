"""What an encoder that reads left to right expects: of the tokens that stand in rows, and in place of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from engine import sampler
from engine.branches import Branches
from engine.canvas import RowScores, TokenIds
from engine.denoise import READ_AT_ONCE
from engine.permitted import PermittedIds, grouped
from engine.trie import NodePath

TOP_IDS = 16
"""How many of the likeliest ids a `RowScores` lists."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Tokens of a row that are asked about, L of them. nodes: that expect each. allowed: the only ids that may stand in
    the place of each, which share all of its probability; None for all that are permitted."""

    token_ids: TokenIds
    nodes: NodePath
    allowed: Sequence[frozenset[int] | None]


def expected_of(asked: Sequence[Asked], branches: Branches, permitted: PermittedIds) -> tuple[RowScores, ...]:
    """The scores of what is asked about; what rows have in common is looked up once."""
    token_ids = np.concatenate([own.token_ids for own in asked])
    questions: dict[tuple[int, frozenset[int] | None], int] = {}
    read_at = np.array(
        [
            questions.setdefault(question, len(questions))
            for own in asked
            for question in zip(own.nodes.tolist(), own.allowed, strict=True)
        ],
        np.int64,
    )
    nodes = np.array([node for node, _ in questions], np.int64)
    choices = [permitted.split(allowed) for _, allowed in questions]
    unconstrained = permitted.split(None)
    log_probs = np.empty(len(token_ids), np.float32)
    parts: list[tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.float32]]] = []
    for begin in range(0, len(nodes), READ_AT_ONCE):
        part = slice(begin, begin + READ_AT_ONCE)
        logits = branches.logits(nodes[part])
        believed = sampler.posterior(logits, 1)
        logits -= believed.log_total[:, None]
        groups = grouped(choices[part], logits.device)
        for numbers, choice in groups:
            if choice is not unconstrained:
                logits[numbers] -= logits[numbers[:, None], choice.ids].logsumexp(-1, keepdim=True)
        own = (begin <= read_at) & (read_at < begin + len(logits))
        places, ids = read_at[own] - begin, token_ids[own].astype(np.int64)
        log_probs[own] = logits[torch.from_numpy(places), torch.from_numpy(ids)].cpu().numpy()
        for numbers, choice in groups:
            logits[numbers[:, None], choice.barred] = -torch.inf
        top = logits.topk(min(TOP_IDS, logits.shape[-1]))
        parts.append((believed.entropy.cpu().numpy(), top.indices.int().cpu().numpy(), top.values.cpu().numpy()))
    entropy, top_ids, top_log_probs = (np.concatenate(own)[read_at] for own in zip(*parts, strict=True))
    ends = np.cumsum([len(own.token_ids) for own in asked]).tolist()
    whole = RowScores(log_probs=log_probs, entropy=entropy, top_ids=top_ids, top_log_probs=top_log_probs)
    return tuple(whole.part(begin, end) for begin, end in zip([0, *ends], ends, strict=False))
