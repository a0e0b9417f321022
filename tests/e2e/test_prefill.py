"""A prompt that was prefilled ahead, with the embedded checkpoint: the request that comes finds all of it there."""

from __future__ import annotations

from dataclasses import replace

from engine.checkpoint.config import denoise_config
from engine.nano import DIRECTORY
from engine.weights.load import load
from infill.fill import Infiller
from infill.profile import profile_for
from infill.request import Filled
from infill.text.tokens import TextTokens
from tests.unit.infill.scripted import request_of

HOLE = "def size(values):\n    if not values:\n        return 0\n    return len(⟦⟧)\n"
MANY = "".join(f"def f{number}(a):\n    return a + {number}\n\n\n" for number in range(120))


def test_what_was_prefilled_ahead_is_not_computed_again() -> None:
    tokens = TextTokens.load(DIRECTORY)
    infiller = Infiller(load(DIRECTORY, device="cpu"), tokens, profile_for(DIRECTORY, denoise_config(DIRECTORY)))
    request = request_of(MANY + HOLE, path="size.py")

    def last(ahead: bool) -> Filled:
        *_, filled = infiller.fill(replace(request, prefill_only=ahead))
        assert isinstance(filled, Filled)
        return filled

    first, again, asked = last(ahead=True), last(ahead=True), last(ahead=False)
    assert first.stats.cached_tokens == 0
    assert first.stats.passes > 1
    assert (again.stats.passes, again.stats.cached_tokens) == (0, first.stats.context_tokens)
    assert asked.stats.cached_tokens == asked.stats.context_tokens == first.stats.context_tokens
    assert [candidate.texts for candidate in asked.candidates] == [("values",)]
