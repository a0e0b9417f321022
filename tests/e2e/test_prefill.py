"""Prompts that are there already, with the embedded checkpoint: prefilled ahead, or kept from an earlier request."""

from __future__ import annotations

from dataclasses import replace

from engine.checkpoint.config import denoise_config
from engine.nano import DIRECTORY
from engine.weights.load import load
from infill.fill import Infiller
from infill.profile import profile_for
from infill.request import Change, Filled, InfillRequest
from infill.text.tokens import TextTokens
from tests.unit.infill.scripted import request_of

HOLE = "def size(values):\n    if not values:\n        return 0\n    return len(⟦⟧)\n"
FRAME = 40
"""More tokens than all prompts begin with."""
MANY = "".join(f"def f{number}(a):\n    return a + {number}\n\n\n" for number in range(120))


def last(infiller: Infiller, request: InfillRequest) -> Filled:
    *_, filled = infiller.fill(request)
    assert isinstance(filled, Filled)
    return filled


def test_what_was_prefilled_ahead_is_not_computed_again() -> None:
    tokens = TextTokens.load(DIRECTORY)
    infiller = Infiller(load(DIRECTORY, device="cpu"), tokens, profile_for(DIRECTORY, denoise_config(DIRECTORY)))
    request = request_of(MANY + HOLE, path="size.py")
    ahead = replace(request, prefill_only=True)
    first, again, asked = last(infiller, ahead), last(infiller, ahead), last(infiller, request)
    assert first.stats.cached_tokens == 0
    assert first.stats.passes > 1
    assert (again.stats.passes, again.stats.cached_tokens) == (0, first.stats.context_tokens)
    assert asked.stats.cached_tokens == asked.stats.context_tokens == first.stats.context_tokens
    assert [candidate.texts for candidate in asked.candidates] == [("values",)]


def test_completions_and_edits_in_two_documents_leave_each_other_s_prompts_alone() -> None:
    tokens, profile = TextTokens.load(DIRECTORY), profile_for(DIRECTORY, denoise_config(DIRECTORY))
    infiller = Infiller(load(DIRECTORY, device="cpu", context_tokens=profile.pool_tokens), tokens, profile)
    change = Change(path="size.py", before="def size(value):\n", after="def size(values):\n")
    edit = request_of(MANY + HOLE.replace("⟦⟧", "⟦value⟧"), path="size.py")
    edit = replace(edit, changes=(change,), replays=("values",))
    requests = [replace(each, path=name) for name in ("a.py", "b.py") for each in (request_of(MANY + HOLE), edit)]
    for request in requests:
        assert last(infiller, request).stats.cached_tokens < FRAME
    for request in requests:
        stats = last(infiller, request).stats
        assert stats.cached_tokens == stats.context_tokens
