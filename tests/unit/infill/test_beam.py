"""The encoder's own texts, best first."""

from __future__ import annotations

import numpy as np
import pytest

from engine.canvas import RowScores
from infill.beam import Beam, Ids

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
    beam.learn((1,), scores((1,), 0))
    for _ in range(passes):
        for ids in beam.likeliest(2):
            beam.learn(ids, scores(ids, len(ids)))
    return beam


def test_what_a_text_names_is_read_next_the_likeliest_first() -> None:
    assert grown(passes=0).likeliest(2) == [(1, 3), (2,)]


def test_texts_are_in_the_order_of_all_their_nats_and_hold_nothing_that_is_barred() -> None:
    texts = [(text.token_ids, pytest.approx(text.log_prob + end)) for text, end in grown().texts()]
    assert [ids for ids, _ in texts][:3] == [(1, 3), (2,), (1,)]
    assert texts[0] == ((1, 3), -0.8)
    assert texts[1] == ((2,), -1.1)
    assert all(7 not in ids for ids, _ in texts)


def test_a_text_knows_what_was_expected_of_each_token() -> None:
    text, end = grown().texts()[0]
    assert end == pytest.approx(-0.1)
    assert text.log_probs == pytest.approx((-0.5, -0.2))
    assert text.entropies == (0.5, 0.5)


def test_no_text_is_empty() -> None:
    beam = Beam(end_id=END, barred=frozenset())
    beam.learn((2,), scores((2,), 0))
    beam.learn((), scores((), 0))
    assert [text.token_ids for text, _ in beam.texts()] == [(2,)]


@pytest.mark.parametrize("exact", [1, 2])
def test_a_known_length_is_every_texts(exact: int) -> None:
    beam = grown(exact=exact)
    assert {len(text.token_ids) for text, _ in beam.texts()} == {exact}
    assert all(len(ids) <= exact for ids in beam.likeliest(50))
