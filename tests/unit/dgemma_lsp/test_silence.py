"""Every reason has its sentence, and reads as one."""

from __future__ import annotations

from typing import get_args

import pytest

from dgemma_lsp.silence import SENTENCES, Reason, Silence
from infill.request import RejectReason


def test_every_reason_of_ours_and_of_infill_has_a_sentence() -> None:
    rejections, ours = get_args(Reason)
    assert rejections == RejectReason
    assert set(SENTENCES) == {*get_args(rejections), *get_args(ours)}


@pytest.mark.parametrize(
    ("silence", "sentence"),
    [
        (Silence("thinking"), "still thinking"),
        (Silence("cancelled"), "cancelled"),
        (Silence("took_too_long"), "took too long"),
        (Silence("secret"), "excluded: looks like a secret"),
        (Silence("language_off", "markdown"), "turned off for markdown"),
        (Silence("ignored", "src/.gitignore"), "excluded by src/.gitignore"),
        (Silence("engine_failed", "no room for {weights}"), "no room for {weights}"),
    ],
)
def test_a_silence_is_told_in_words(silence: Silence, sentence: str) -> None:
    assert str(silence) == sentence
