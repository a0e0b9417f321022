"""Token sets and choices: sets as arrays, and what is made of them once."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.canvas import DenoiseConfig, Flags
from engine.denoise.allowed import KEPT, Choice, Choices
from engine.reference import ReferenceDenoiser
from engine.token_set import TokenSet
from tests.unit.engine.canvases import canvas, prompt

CPU = torch.device("cpu")
IDS = st.frozensets(st.integers(0, 40))


@given(IDS, IDS)
def test_sets_of_tokens_are_sets(left: frozenset[int], right: frozenset[int]) -> None:
    one, other = TokenSet.of(left), TokenSet.of(right)
    assert list(one) == sorted(left)
    assert [token_id in one for token_id in range(-1, 42)] == [token_id in left for token_id in range(-1, 42)]
    assert [set(own) for own in (one | other, one & other, one - other)] == [left | right, left & right, left - right]
    assert (one == other) is (left == right)
    assert hash(one | other) == hash(other | one)


def test_a_choice_splits_the_vocabulary_without_unknown_ids() -> None:
    ids = Choices(6, CPU).of(Choice(TokenSet.of({0, 4, 90}), TokenSet.of({1, 4, 5, 6})))
    assert [list(part.numpy()) for part in (ids.allowed, ids.banned)] == [[1, 5], [0, 2, 3, 4]]


def test_the_choices_last_asked_for_are_kept() -> None:
    choices = Choices(100, CPU)
    first = choices.of(Choice(TokenSet.of({1}), TokenSet.of({2})))
    for banned in range(KEPT - 1):
        choices.of(Choice(TokenSet.of({banned})))
    assert choices.of(Choice(TokenSet.of({1}), TokenSet.of({2}))) is first
    for banned in range(KEPT):
        choices.of(Choice(TokenSet.of({50 + banned})))
    assert choices.of(Choice(TokenSet.of({1}), TokenSet.of({2}))) is not first


def test_the_next_request_finds_the_choices_of_the_last(
    denoiser: ReferenceDenoiser, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Choice] = []
    of_vocabulary = Choice.flags

    def flags(choice: Choice, vocabulary_size: int) -> Flags:
        made.append(choice)
        return of_vocabulary(choice, vocabulary_size)

    monkeypatch.setattr(Choice, "flags", flags)
    for _ in range(2):
        own = canvas(prompt(3), range(1, 2), allowed=(None, TokenSet.of({7, 9}), None))
        with denoiser.prefill(prompt(4, seed=9)) as context:
            denoiser.start(context, [own], seeds=[0], config=DenoiseConfig(banned_ids=TokenSet.of({9}))).step()
    assert made == [Choice(TokenSet.of({9}), TokenSet.of({7, 9}))]
