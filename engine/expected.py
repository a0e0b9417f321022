"""What an encoder that reads left to right expects: of the tokens that stand in rows, and in place of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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


def expected_of(
    rows: Sequence[TokenIds],
    paths: Sequence[NodePath],
    branches: Branches,
    permitted: PermittedIds,
    allowed: Mapping[int, frozenset[int]],
) -> tuple[RowScores, ...]:
    """The scores of rows.

    paths: the nodes that expect each row's tokens. allowed: by a node's depth, the only ids to be named for what it
    expects; elsewhere all permitted ones.
    """
    token_ids = np.concatenate(rows)
    nodes, read_at = np.unique(np.concatenate(paths), return_inverse=True)
    log_probs = np.empty(len(token_ids), np.float32)
    parts: list[tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.float32]]] = []
    for begin in range(0, len(nodes), READ_AT_ONCE):
        part = nodes[begin : begin + READ_AT_ONCE]
        logits = branches.logits(part)
        believed = sampler.posterior(logits, 1)
        logits -= believed.log_total[:, None]
        own = (begin <= read_at) & (read_at < begin + len(part))
        places, ids = read_at[own] - begin, token_ids[own].astype(np.int64)
        log_probs[own] = logits[torch.from_numpy(places), torch.from_numpy(ids)].cpu().numpy()
        choices = (permitted.split(allowed.get(depth)) for depth in branches.depths[part].tolist())
        for numbers, choice in grouped(choices, logits.device):
            logits[numbers[:, None], choice.barred] = -torch.inf
        top = logits.topk(min(TOP_IDS, logits.shape[-1]))
        parts.append((believed.entropy.cpu().numpy(), top.indices.int().cpu().numpy(), top.values.cpu().numpy()))
    entropy, top_ids, top_log_probs = (np.concatenate(own)[read_at] for own in zip(*parts, strict=True))
    ends = np.cumsum([len(row) for row in rows]).tolist()
    return tuple(
        RowScores(
            log_probs=log_probs[begin:end],
            entropy=entropy[begin:end],
            top_ids=top_ids[begin:end],
            top_log_probs=top_log_probs[begin:end],
        )
        for begin, end in zip([0, *ends], ends, strict=False)
    )
