"""Log-probabilities of rows that were read left to right, and the likeliest ids in the place of each token."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from engine.canvas import RowScores, ScoreQuery
from engine.denoise import sampler
from engine.denoise.allowed import Choices, grouped
from engine.denoise.stepper import READ_AT_ONCE
from engine.score.tree_kv import TokenTree
from engine.score.trie import NodePath

TOP_IDS = 16
"""How many of the likeliest ids a `RowScores` lists."""


def log_probs_of(
    queries: Sequence[ScoreQuery], paths: Sequence[NodePath], tree: TokenTree, choices: Choices
) -> tuple[RowScores, ...]:
    """The scores of rows that are in the tree; a prediction that several share is looked up once.

    paths: of each row, the nodes that predict its tokens.
    """
    token_ids = np.concatenate([query.token_ids[query.begin :] for query in queries])
    questions: dict[tuple[int, frozenset[int] | None], int] = {}
    read_at = np.array(
        [
            questions.setdefault(question, len(questions))
            for query, path in zip(queries, paths, strict=True)
            for question in zip(path[query.begin :].tolist(), _allowed(query), strict=True)
        ],
        np.int64,
    )
    nodes = np.array([node for node, _ in questions], np.int64)
    asked = [choices.of(allowed) for _, allowed in questions]
    unconstrained = choices.of(None)
    log_probs = np.empty(len(token_ids), np.float32)
    parts: list[tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.float32]]] = []
    for begin in range(0, len(nodes), READ_AT_ONCE):
        part = slice(begin, begin + READ_AT_ONCE)
        logits = tree.logits(nodes[part])
        believed = sampler.posterior(logits, 1)
        logits -= believed.log_total[:, None]
        groups = grouped(asked[part], logits.device)
        for numbers, choice in groups:
            if choice is not unconstrained:
                logits[numbers] -= logits[numbers[:, None], choice.allowed].logsumexp(-1, keepdim=True)
        own = (begin <= read_at) & (read_at < begin + len(logits))
        places, ids = read_at[own] - begin, token_ids[own].astype(np.int64)
        at, wanted = (torch.from_numpy(numbers).to(logits.device) for numbers in (places, ids))
        asked_for = logits[at, wanted]
        for numbers, choice in groups:
            logits[numbers[:, None], choice.banned] = -torch.inf
        top = logits.topk(min(TOP_IDS, logits.shape[-1]))
        # One vector, because each copy from the device would wait for it.
        floats = (asked_for, believed.entropy, top.values.flatten())
        result = torch.cat([top.indices.int().flatten(), *(each.view(torch.int32) for each in floats)]).cpu().numpy()
        shape = tuple(top.values.shape)
        top_ids, own_log_probs, entropies, nats = np.split(
            result, np.cumsum([top.values.numel(), len(at), len(logits)])
        )
        log_probs[own] = own_log_probs.view(np.float32)
        parts.append((entropies.view(np.float32), top_ids.reshape(shape), nats.view(np.float32).reshape(shape)))
    entropy, top_ids, top_log_probs = (np.concatenate(own)[read_at] for own in zip(*parts, strict=True))
    ends = np.cumsum([len(query.token_ids) - query.begin for query in queries]).tolist()
    whole = RowScores(log_probs=log_probs, entropy=entropy, top_ids=top_ids, top_log_probs=top_log_probs)
    return tuple(whole.part(begin, end) for begin, end in zip([0, *ends], ends, strict=False))


def _allowed(query: ScoreQuery) -> list[frozenset[int] | None]:
    """For each token whose log-probability is wanted, the ids that may stand in its place; None for any."""
    return [query.allowed.get(position) for position in range(query.begin, len(query.token_ids))]
