"""Rows that are read left to right: what they have in common once, now and later."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.canvas import ScoreQuery, TokenIds
from engine.denoise.allowed import Choices
from engine.reference import ReferenceDenoiser
from engine.score import reader as reader_module
from engine.score.answers import LogitLookUp
from engine.score.tree_kv import TokenTreeCache
from engine.score.trie import NodePath, Trie
from engine.token_set import NO_TOKENS, TokenSet
from tests.checkpoints import VOCABULARY
from tests.unit.engine.canvases import prompt

ROWS = [np.array(ids, np.int32) for ids in ([1, 2, 3], [1, 2, 4], [1, 5], [1, 2])]
TOLERANCE = 5e-5  # A few roundings of log-probabilities about 10, in float32.


def test_a_beginning_is_one_node_and_sees_its_own_beginnings() -> None:
    trie = Trie()
    paths = [trie.put(row).tolist() for row in ROWS]
    assert paths == [[0, 1, 2], [0, 1, 3], [0, 4], [0, 1]]
    assert trie.token_ids.tolist() == [1, 2, 3, 4, 5]
    assert trie.depths().tolist() == [0, 1, 2, 2, 1]
    assert ["".join(".x"[seen] for seen in row) for row in trie.mask().tolist()] == [
        "x....",
        "xx...",
        "xxx..",
        "xx.x.",
        "x...x",
    ]


def queries(*rows: TokenIds) -> list[ScoreQuery]:
    return [ScoreQuery(token_ids=row) for row in rows]


def test_rows_read_after_others_score_as_if_read_alone(denoiser: ReferenceDenoiser) -> None:
    rows = [np.concatenate([prompt(9, seed=1), prompt(n, seed=n)]) for n in (3, 5, 8)]
    with denoiser.prefill(prompt(40)) as context:
        reader, fresh = denoiser.reader(context), denoiser.reader(context)
        reader.read(queries(*rows[:1]))
        before = reader.token_positions
        # A longer prompt in between may move the slot's keys and values.
        denoiser.prefill(prompt(200)).release()
        later, alone = reader.read(queries(*rows[1:])), fresh.read(queries(*rows[1:]))
    assert 0 < reader.token_positions - before < fresh.token_positions
    for row, other in zip(later, alone, strict=True):
        np.testing.assert_allclose(row.log_probs, other.log_probs, atol=TOLERANCE)
        np.testing.assert_array_equal(row.top_ids, other.top_ids)


def test_what_was_read_before_is_not_computed_again(denoiser: ReferenceDenoiser) -> None:
    row = prompt(9, seed=1)
    with denoiser.prefill(prompt(20)) as context:
        reader = denoiser.reader(context)
        [first] = reader.read(queries(row))
        before = reader.token_positions
        [again] = reader.read(queries(row))
    assert reader.token_positions == before
    np.testing.assert_array_equal(first.log_probs, again.log_probs)


def test_scores_begin_where_the_query_says(denoiser: ReferenceDenoiser) -> None:
    row = prompt(9, seed=1)
    with denoiser.prefill(prompt(20)) as context:
        whole, end = denoiser.reader(context).read([ScoreQuery(token_ids=row), ScoreQuery(token_ids=row, begin=6)])
    np.testing.assert_allclose(end.log_probs, whole.log_probs[6:], atol=TOLERANCE)
    np.testing.assert_array_equal(end.top_ids, whole.top_ids[6:])


def test_banned_ids_are_not_named_and_where_few_are_allowed_only_those(denoiser: ReferenceDenoiser) -> None:
    row = prompt(6, seed=1)
    with denoiser.prefill(prompt(20)) as context:
        [free] = denoiser.reader(context).read(queries(row))
        best = TokenSet.of(free.top_ids[:, 0])
        allowed = TokenSet.of(free.top_ids[3, 2:4]) - best
        [held] = denoiser.reader(context, banned_ids=best).read([ScoreQuery(token_ids=row, allowed={3: allowed})])
    elsewhere = np.arange(len(row)) != 3
    np.testing.assert_array_equal(held.log_probs[elsewhere], free.log_probs[elsewhere])
    assert np.exp(held.top_log_probs[3]).sum() == pytest.approx(1, abs=TOLERANCE)
    named = np.isfinite(held.top_log_probs)
    assert not len(best & TokenSet.of(held.top_ids[named]))
    assert TokenSet.of(held.top_ids[3][named[3]]) == allowed


def test_rows_with_a_shared_prefix_are_each_held_to_their_own_ids(denoiser: ReferenceDenoiser) -> None:
    row = prompt(6, seed=1)
    with denoiser.prefill(prompt(20)) as context:
        [free] = denoiser.reader(context).read(queries(row))
        fewer = TokenSet.of(free.top_ids[3, 2:4])
        unheld, held = denoiser.reader(context).read([*queries(row), ScoreQuery(token_ids=row, allowed={3: fewer})])
    np.testing.assert_array_equal(unheld.top_ids, free.top_ids)
    assert TokenSet.of(held.top_ids[3][np.isfinite(held.top_log_probs[3])]) == fewer


def test_a_tree_that_is_full_gives_way_to_a_new_one(
    denoiser: ReferenceDenoiser, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [np.concatenate([prompt(9, seed=1), prompt(12, seed=n)]) for n in range(5)]
    with denoiser.prefill(prompt(20)) as context:
        whole = denoiser.reader(context).read(queries(*rows))
        monkeypatch.setattr(reader_module, "MAX_NODES", 40)
        bounded = denoiser.reader(context)
        parts = bounded.read(queries(*rows))
    assert bounded.token_positions > 40
    for row, other in zip(whole, parts, strict=True):
        np.testing.assert_allclose(row.log_probs, other.log_probs, atol=TOLERANCE)
        np.testing.assert_array_equal(row.top_ids, other.top_ids)


def test_no_prediction_is_looked_up_twice(denoiser: ReferenceDenoiser) -> None:
    looked_up: list[int] = []

    class Counted(TokenTreeCache):
        def hidden(self, nodes: NodePath) -> torch.Tensor:
            looked_up.extend(nodes.tolist())
            return super().hidden(nodes)

    look_up = LogitLookUp(denoiser.backbone, Choices(VOCABULARY, denoiser.backbone.device))
    with denoiser.prefill(prompt(20)) as context:
        reader = reader_module.TreeReader(denoiser.backbone, look_up, context, NO_TOKENS, Counted)
        [first] = reader.read(queries(prompt(9, seed=1)))
        [likeliest] = first.top_ids[-1:, :1]
        longer = np.concatenate([prompt(9, seed=1)[:-1], likeliest, prompt(2)])
        reader.read(queries(prompt(9, seed=1)))
        [again] = reader.read(queries(longer))
    assert len(looked_up) == len(set(looked_up)) == 9 + 2
    assert again.log_probs[8] == first.top_log_probs[-1, 0]
