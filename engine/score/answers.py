"""Answers to questions about what follows: read off hidden states on the device, with one copy back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.canvas import Floats, TokenIds
from engine.denoise import sampler
from engine.denoise.allowed import Choice, Choices
from engine.model.backbone import Backbone

TOP_IDS = 16
"""How many of the likeliest ids are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """To N questions, about M tokens. log_probs: [M], of each token. entropy: [N] nats, over all ids. top_ids,
    top_log_probs: [N, k], best first; minus infinity where no more may stand."""

    log_probs: Floats
    entropy: Floats
    top_ids: TokenIds
    top_log_probs: Floats

    @classmethod
    def copied(cls, log_probs: Tensor, entropy: Tensor, top_ids: Tensor, top_log_probs: Tensor) -> Answers:
        """From the device, as one vector, because each copy would wait for it."""
        floats = (log_probs, entropy, top_log_probs.flatten())
        parts = [top_ids.int().flatten(), *(each.contiguous().view(torch.int32) for each in floats)]
        copied = torch.cat(parts).cpu().numpy()
        ids, *others = np.split(copied, np.cumsum([len(part) for part in parts])[:-1])
        own, nats, top = (other.view(np.float32) for other in others)
        return cls(
            log_probs=own,
            entropy=nats,
            top_ids=ids.reshape(top_ids.shape),
            top_log_probs=top.reshape(top_ids.shape),
        )


LookUp: TypeAlias = Callable[[Tensor, Sequence[Choice], NDArray[np.int64], NDArray[np.int64]], Answers]
"""Answers questions. Takes the hidden states [N, H] that they are asked about, what may follow each, and the tokens [M]
that are asked for with the question [M] of each, questions before tokens."""


class LogitLookUp:
    """A `LookUp` in torch's operations. choices: of the vocabulary, on the backbone's device."""

    def __init__(self, backbone: Backbone, choices: Choices) -> None:
        self._backbone = backbone
        self._choices = choices

    def __call__(
        self, hidden: Tensor, asked: Sequence[Choice], places: NDArray[np.int64], token_ids: NDArray[np.int64]
    ) -> Answers:
        logits = self._backbone.logits(hidden)
        _, log_totals, entropy = sampler.normalized(logits, logits.argmax(dim=-1, keepdim=True))
        groups = self._choices.grouped(asked)
        for numbers, choice, ids in groups:
            if choice.allowed is not None:
                log_totals[numbers] = logits[numbers[:, None], ids.allowed].logsumexp(-1)
        rows = self._backbone.integers(places)
        log_probs = logits[rows, self._backbone.integers(token_ids)].sub_(log_totals[rows])
        for numbers, _, ids in groups:
            logits[numbers[:, None], ids.banned] = -torch.inf
        top_logits, top_ids = sampler.likeliest(logits, min(TOP_IDS, logits.shape[-1]))
        return Answers.copied(log_probs, entropy, top_ids, top_logits.sub_(log_totals[:, None]))
