"""The fast path's `LookUp`: questions to a token tree are answered by the sampler's kernels where there are any."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.cuda import kernels
from engine.cuda.programs.choices import ChoiceTable
from engine.denoise.allowed import ANYTHING, Choice, Choices
from engine.denoise.sampler import IMPOSSIBLE
from engine.model.backbone import Backbone
from engine.score.answers import TOP_IDS, Answers, LogitLookUp, LookUp


def look_up_of(backbone: Backbone, table: ChoiceTable) -> LookUp:
    """What answers where the model lies."""
    if kernels.usable(backbone.device):
        return KernelLookUp(backbone, table)
    return LogitLookUp(backbone, Choices(backbone.vocabulary_size, backbone.device))


class KernelLookUp:
    """A `LookUp` that reads the logits as they are, where torch's operations copy them several times over."""

    def __init__(self, backbone: Backbone, table: ChoiceTable) -> None:
        self._backbone = backbone
        self._table = table
        self._temperature = torch.ones(1, dtype=torch.float64, device=backbone.device)

    def __call__(
        self, hidden: Tensor, asked: Sequence[Choice], places: NDArray[np.int64], token_ids: NDArray[np.int64]
    ) -> Answers:
        top = min(TOP_IDS, self._backbone.vocabulary_size)
        numbers = self._table.numbers([ANYTHING, *asked])
        anything, own = np.full_like(numbers[1:], numbers[0]), numbers[1:]
        narrowed = np.array([choice.allowed is not None for choice in asked], np.int64)
        told = [anything, own, narrowed, places, token_ids]
        # Each begins at an even place: a kernel is compiled anew for a pointer that is aligned otherwise.
        even = [np.pad(part, (0, len(part) % 2)) for part in told]
        whole = torch.split(self._backbone.integers(np.concatenate(even)), [len(part) for part in even])
        sent = [part[: len(numbers)] for part, numbers in zip(whole, told, strict=True)]
        logits = self._backbone.raw_logits(hidden)
        of_all, log_totals = self._believed(logits, sent[0], 1)
        of_own, own_totals = self._believed(logits, sent[1], top)
        # Among all ids, but where only some may follow among these.
        totals = torch.where(sent[2] > 0, own_totals, log_totals)
        top_log_probs = of_own[:, 2 + top :].view(torch.float32) + (own_totals - totals)[:, None]
        top_log_probs.masked_fill_(top_log_probs < IMPOSSIBLE / 2, -torch.inf)
        cap = self._backbone.softcap
        log_probs = (logits[sent[3], sent[4]].float() / cap).tanh_().mul_(cap).sub_(totals[sent[3]])
        return Answers.copied(log_probs, of_all[:, 1].view(torch.float32), of_own[:, 2 : 2 + top], top_log_probs)

    def _believed(self, logits: Tensor, choices: Tensor, top: int) -> tuple[Tensor, Tensor]:
        """The packed result [N, 2 + 2 top] of `believe` under some choices [N], and its log totals."""
        from engine.cuda.kernels.sampler import believe

        result = torch.empty(len(logits), 2 + 2 * top, dtype=torch.int32, device=logits.device)
        # Nothing is drawn, so any bits will do.
        given = (logits, self._table.words, choices, self._temperature, choices, result)
        return result, believe(*given, softcap=self._backbone.softcap)
