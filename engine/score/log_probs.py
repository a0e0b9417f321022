"""Log-probabilities of rows that were read left to right, and the likeliest ids in the place of each token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.canvas import RowScores, ScoreQuery
from engine.denoise.allowed import Choice
from engine.denoise.stepper import READ_AT_ONCE
from engine.score.answers import TOP_IDS, LookUp
from engine.score.tree_kv import TokenTree
from engine.score.trie import NodePath
from engine.token_set import TokenSet

Question: TypeAlias = tuple[int, TokenSet | None]
"""What follows a node, where only some ids may follow, or any."""


@dataclass(slots=True)
class Predictions:
    """The answers to N questions about a tree, so that none is computed twice.

    numbers: of each question. log_probs: of tokens in the place of which a question is asked. entropy: [N]. top_ids,
    top_log_probs: [N, k].
    """

    numbers: dict[Question, int] = field(default_factory=dict[Question, int])
    log_probs: dict[tuple[Question, int], float] = field(default_factory=dict[tuple[Question, int], float])
    entropy: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    top_ids: NDArray[np.int32] = field(default_factory=lambda: np.empty((0, TOP_IDS), np.int32))
    top_log_probs: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, TOP_IDS), np.float32))

    def of(self, asked: Sequence[tuple[Question, int]]) -> RowScores:
        """The scores of tokens, each in the place of which a question is asked."""
        numbers = [self.numbers[question] for question, _ in asked]
        return RowScores(
            log_probs=np.array([self.log_probs[own] for own in asked], np.float32),
            entropy=self.entropy[numbers],
            top_ids=self.top_ids[numbers],
            top_log_probs=self.top_log_probs[numbers],
        )


def log_probs_of(
    queries: Sequence[ScoreQuery],
    paths: Sequence[NodePath],
    tree: TokenTree,
    banned: TokenSet,
    look_up: LookUp,
    known: Predictions,
) -> tuple[RowScores, ...]:
    """The scores of rows that are in the tree; a prediction that several share, or that is known, is not looked up
    again.

    paths: of each row, the nodes that predict its tokens. banned: not named among the likeliest.
    """
    asked: list[tuple[Question, int]] = [
        ((node, allowed), token_id)
        for query, path in zip(queries, paths, strict=True)
        for node, allowed, token_id in zip(
            path[query.begin :].tolist(), _allowed(query), query.token_ids[query.begin :].tolist(), strict=True
        )
    ]
    fresh: dict[Question, list[int]] = {}
    for question, token_id in asked:
        if (question, token_id) not in known.log_probs:
            fresh.setdefault(question, []).append(token_id)
    questions = list(fresh)
    for begin in range(0, len(questions), READ_AT_ONCE):
        some = questions[begin : begin + READ_AT_ONCE]
        _look_up({question: fresh[question] for question in some}, tree, banned, look_up, known)
    whole = known.of(asked)
    ends = np.cumsum([len(query.token_ids) - query.begin for query in queries]).tolist()
    return tuple(whole.part(begin, end) for begin, end in zip([0, *ends], ends, strict=False))


def _look_up(
    wanted: Mapping[Question, Sequence[int]], tree: TokenTree, banned: TokenSet, look_up: LookUp, known: Predictions
) -> None:
    """Computes the answers to questions. wanted: with the tokens whose log-probabilities are asked for."""
    hidden = tree.hidden(np.array([node for node, _ in wanted], np.int64))
    places = np.repeat(np.arange(len(wanted)), [len(token_ids) for token_ids in wanted.values()])
    asked_for = np.concatenate([np.array(own, np.int64) for own in wanted.values()])
    answers = look_up(hidden, [Choice(banned, allowed) for _, allowed in wanted], places, asked_for)
    top_ids, top_log_probs = answers.top_ids, answers.top_log_probs
    # Mostly a text goes on with one of these.
    for question, likeliest, own in zip(wanted, top_ids.tolist(), top_log_probs.tolist(), strict=True):
        named = zip(likeliest, own, strict=True)
        known.log_probs |= {(question, token_id): value for token_id, value in named if value > -inf}
    tokens = ((question, token_id) for question, token_ids in wanted.items() for token_id in token_ids)
    known.log_probs |= dict(zip(tokens, answers.log_probs.tolist(), strict=True))
    known.numbers |= {question: len(known.entropy) + number for number, question in enumerate(wanted)}
    known.entropy = np.concatenate([known.entropy, answers.entropy])
    known.top_ids = np.concatenate([known.top_ids.reshape(-1, top_ids.shape[1]), top_ids])
    known.top_log_probs = np.concatenate([known.top_log_probs.reshape(-1, top_ids.shape[1]), top_log_probs])


def _allowed(query: ScoreQuery) -> list[TokenSet | None]:
    """For each token whose log-probability is wanted, the ids that may stand in its place; None for any."""
    return [query.allowed.get(position) for position in range(query.begin, len(query.token_ids))]
