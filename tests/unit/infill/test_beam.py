"""The encoder's own texts, best first."""

from __future__ import annotations

import numpy as np
import pytest

from engine.canvas import RowScores
from infill.beam import Beam, Hypothesis, Ids, Stem

END = 9
NAMED: dict[Ids, dict[int, float]] = {
    (): {1: -0.5, 2: -1.0, 7: -0.1},
    (1,): {3: -0.2, END: -2.0},
    (2,): {END: -0.1},
    (1, 3): {END: -0.1, 4: -3.0},
}


def scores(ids: Ids, begin: int) -> RowScores:
    """What is expected of a text's tokens and its end from the one at `begin` on."""
    tokens = (*ids, END)
    named = [NAMED.get(ids[:at], {}) for at in range(begin, len(tokens))]
    width = max(map(len, named))
    tops = [sorted(own.items(), key=lambda item: -item[1]) + [(0, -np.inf)] * (width - len(own)) for own in named]
    return RowScores(
        log_probs=np.array(
            [own.get(token, -8.0) for own, token in zip(named, tokens[begin:], strict=True)], np.float32
        ),
        entropy=np.full(len(named), 0.5, np.float32),
        top_ids=np.array([[token for token, _ in top] for top in tops], np.int32).reshape(len(named), width),
        top_log_probs=np.array([[nats for _, nats in top] for top in tops], np.float32).reshape(len(named), width),
    )


def grown(*, exact: int | None = None, passes: int = 3) -> Beam:
    beam = Beam(end_id=END, barred=frozenset({7}), exact=exact)
    beam.learn(0, (1,), scores((1,), 0))
    for _ in range(passes):
        for stem, ids in beam.likeliest(2):
            beam.learn(stem, ids, scores(ids, len(ids)))
    return beam


def test_what_a_text_names_is_read_next_the_likeliest_first() -> None:
    assert grown(passes=0).likeliest(2) == [(0, (1, 3)), (0, (2,))]


def test_what_is_not_likely_enough_is_not_read() -> None:
    beam = grown(passes=0)
    assert beam.likeliest(2, above=-0.9) == [(0, (1, 3))]
    assert beam.likeliest(2, above=-0.7) == []


def test_texts_are_in_the_order_of_all_their_nats_and_hold_nothing_that_is_barred() -> None:
    texts = [(stem.middles, pytest.approx(stem.log_prob)) for stem in grown().texts()]
    assert texts[:3] == [(((1, 3),), -0.8), (((2,),), -1.1), (((1,),), -2.5)]
    assert all(7 not in ids for (ids,), _ in texts)


def test_a_text_knows_what_was_expected_of_each_token_and_of_its_end() -> None:
    [text] = grown().texts()[0].texts
    assert text.log_probs == pytest.approx((-0.5, -0.2, -0.1))
    assert text.entropies == (0.5, 0.5)


def test_no_text_is_empty() -> None:
    beam = Beam(end_id=END, barred=frozenset())
    beam.learn(0, (2,), scores((2,), 0))
    beam.learn(0, (), scores((), 0))
    assert [stem.middles for stem in beam.texts()] == [((2,),)]


@pytest.mark.parametrize("exact", [1, 2])
def test_a_known_length_is_every_texts(exact: int) -> None:
    beam = grown(exact=exact)
    assert {len(ids) for stem in beam.texts() for ids in stem.middles} == {exact}
    assert all(len(ids) <= exact for _, ids in beam.likeliest(50))


def test_what_stands_before_a_hole_counts() -> None:
    likely, unlikely = (Stem((Hypothesis((5,), (nats,), (0.0,)),), nats) for nats in (-1.0, -4.0))
    beam = Beam(stems=(likely, unlikely), copies=({}, {}), end_id=END, barred=frozenset({7}))
    for stem in range(2):
        beam.learn(stem, (2,), scores((2,), 0))
    assert [at for at, _ in beam.likeliest(3)] == [0, 0, 1]
    assert [stem.middles for stem in beam.texts()] == [((5,), (2,)), ((5,), (2,))]
    assert [stem.log_prob for stem in beam.texts()] == pytest.approx([-2.1, -5.1])


def test_a_copy_is_as_likely_as_it_is_copied_or_written() -> None:
    beam = Beam(copies=({(2,): 0.5},), end_id=END, barred=frozenset({7, END}))
    beam.learn(0, (2,), scores((2,), 0))
    beam.learn(0, (1, 3), scores((1, 3), 0))
    likely = {stem.middles: np.exp(stem.log_prob) for stem in beam.texts()}
    assert likely[((2,),)] == pytest.approx(0.5 * np.exp(-1.1) + 0.5)
    assert likely[((1, 3),)] == pytest.approx(0.5 * np.exp(-0.8))
    copied = beam.texts()[0]
    assert copied.middles == ((2,),)
    assert sum(copied.texts[0].log_probs) == pytest.approx(copied.log_prob)
    # What is unread cannot be copied.
    assert beam.likeliest(9, above=np.log(0.5) - 3.8) == [(0, (1, 3, 4))]
    assert beam.likeliest(9, above=np.log(0.5) - 3.6) == []
