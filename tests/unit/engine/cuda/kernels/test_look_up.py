"""Questions to a token tree answered by the sampler's kernels, in the interpreter, against the reference's answers."""

# torch annotates itself in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.cuda.look_up import KernelLookUp
from engine.cuda.programs.choices import ChoiceTable
from engine.denoise.allowed import Choice, Choices
from engine.model.backbone import Backbone
from engine.score.answers import LogitLookUp
from engine.token_set import TokenSet
from tests.unit.engine.canvases import DEVICE
from tests.unit.engine.cuda.kernels.tensors import DTYPES, random

pytest.importorskip("triton", reason="Triton is not installed")
from engine.cuda.kernels import sampler

VOCABULARY = 5000
SOFTCAP = 30.0
# Nats, of sums in another order.
TOLERANCE = 1e-4


class Logits:
    """As much of a backbone as is asked for: its hidden states are logits."""

    vocabulary_size, softcap, device = VOCABULARY, SOFTCAP, DEVICE

    def raw_logits(self, hidden: Tensor) -> Tensor:
        return hidden

    def logits(self, hidden: Tensor) -> Tensor:
        return (hidden.float() / SOFTCAP).tanh() * SOFTCAP

    def integers(self, numbers: NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(numbers).to(DEVICE)


@pytest.mark.parametrize("dtype", DTYPES)
def test_answers_are_the_references(dtype: torch.dtype) -> None:
    hidden = (20 * random(4, VOCABULARY)).to(dtype)
    banned = TokenSet.of(range(0, VOCABULARY, 3))
    asked = [
        Choice(banned),
        Choice(banned, TokenSet.of(range(50))),
        Choice(banned, TokenSet.of([1, 2])),
        Choice(banned),
    ]
    # Two tokens of one question, one that is allowed among few, and one that is banned.
    places, token_ids = np.array([0, 0, 1, 2, 3]), np.array([7, 4999, 8, 2, 6])
    backbone: Backbone = Logits()  # pyright: ignore[reportAssignmentType]
    expected = LogitLookUp(backbone, Choices(VOCABULARY, DEVICE))(hidden, asked, places, token_ids)
    found = KernelLookUp(backbone, ChoiceTable(VOCABULARY, DEVICE))(hidden, asked, places, token_ids)
    np.testing.assert_allclose(found.log_probs, expected.log_probs, atol=TOLERANCE, rtol=1e-5)
    np.testing.assert_allclose(found.entropy, expected.entropy, atol=TOLERANCE)
    np.testing.assert_allclose(found.top_log_probs, expected.top_log_probs, atol=TOLERANCE, rtol=1e-5)
    there = np.isfinite(expected.top_log_probs)
    np.testing.assert_array_equal(found.top_ids[there], expected.top_ids[there])
    assert there[2].sum() == 2


@pytest.mark.parametrize("count", [1, 2, 3])
def test_no_number_of_questions_has_a_kernel_compiled_anew(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """As it is where a pointer is aligned otherwise."""
    pointers: list[int] = []

    def believe(logits: Tensor, words: Tensor, choices: Tensor, *rest: Tensor, softcap: float) -> Tensor:
        pointers.extend(tensor.data_ptr() % 16 for tensor in (logits, words, choices, *rest))
        return torch.zeros(len(logits))

    monkeypatch.setattr(sampler, "believe", believe)
    backbone: Backbone = Logits()  # pyright: ignore[reportAssignmentType]
    places = np.arange(count)
    choices = [Choice(TokenSet.of([1]))] * count
    found = KernelLookUp(backbone, ChoiceTable(VOCABULARY, DEVICE))(
        torch.ones(count, VOCABULARY), choices, places, places
    )
    assert pointers == [0] * 12
    assert len(found.log_probs) == count
